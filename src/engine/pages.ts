// The pages of keys and values: which are free, and which hold beginnings that sequences have read.
//
// A tree: every node is a page, its children are the pages that have come after it. So a path from the root spells ids, and
// sequences that begin alike go along the same path, whose pages are then stored once. A page in the tree is full and is
// never written again, except that the last one of a sequence that has ended may have fewer ids; whoever goes on from the
// middle of a page copies it. Pages that nobody is in the middle of are kept until there is no other room: then the one
// goes first that was used least recently.
import type { SavedStates } from "../ops/backend.ts";
import { PAGE } from "../ops/ops.ts";

interface Node {
  /** At most PAGE; fewer only without children. */
  readonly ids: readonly number[];
  readonly page: number;
  readonly parent: Node | undefined;
  readonly children: Set<Node>;
  /** Sequences that go on from here. */
  users: number;
  usedAt: number;
  /** What the convolutions remembered at the end of `ids`, where a sequence has ended. */
  saved: SavedStates | undefined;
}

/** What is kept of the beginning of some ids. */
export interface Match {
  /** How many of the ids. */
  readonly length: number;
  /** What the convolutions remembered there, if it is known. */
  readonly saved: SavedStates | undefined;
  readonly path: readonly Node[];
  /** The page that has the last `length` % PAGE of them. */
  readonly last: Node | undefined;
}

/** Without the page that only begins alike: nothing is copied. */
export function wholePages({ path }: Match): Match {
  return { length: path.length * PAGE, saved: path.at(-1)?.saved, path, last: undefined };
}

/** A sequence's pages: first those of the tree that it shares, then its own. */
export interface Lease {
  readonly pages: number[];
  /** The last of the shared ones. */
  node: Node;
}

export interface Pages {
  /** @param most  of the ids that may be taken from what is kept */
  match(ids: readonly number[], most: number): Match;
  /** Pages that can be had while what was matched is kept. */
  available(match?: Match): number;
  /**
   * Goes on from what was matched, with pages for so many positions.
   * @param copy  copies a page to another
   * @returns undefined when there are too few
   */
  lease(match: Match, positions: number, copy: (from: number, to: number) => void): Lease | undefined;
  /** One more page; false when there is none. */
  grow(lease: Lease): boolean;
  /** Keeps the full pages of ids that a sequence has read; it goes on with them. */
  share(lease: Lease, ids: readonly number[]): void;
  /** A sequence has ended after `ids`; what it has read is kept, unless that is wrong. */
  end(lease: Lease, ids: readonly number[], saved: SavedStates | undefined): void;
  readonly count: number;
  /** Those that running sequences have, and those that are kept beside. */
  readonly used: number;
  readonly kept: number;
}

/** @param mostSaved  states of convolutions that are kept: as many ends of sequences can be gone on from at once */
export function createPages(count: number, mostSaved: number): Pages {
  const root: Node = nodeOf([], -1, undefined);
  const nodes = new Set<Node>();
  const leases = new Set<Lease>();
  const taken = new Uint8Array(count);
  let free = count;
  let time = 0;

  const release = (page: number): void => {
    taken[page] = 0;
    free++;
  };
  const remove = (node: Node): void => {
    node.parent?.children.delete(node);
    nodes.delete(node);
    release(node.page);
  };
  const isEvictable = ({ users, children }: Node): boolean => users === 0 && children.size === 0;
  const evict = (): boolean => {
    let oldest: Node | undefined;
    for (const node of nodes) {
      if (isEvictable(node) && (oldest === undefined || node.usedAt < oldest.usedAt)) oldest = node;
    }
    if (oldest === undefined) return false;
    remove(oldest);
    return true;
  };
  /** The first that is free, so that the pages of a sequence follow one another where they can. */
  const take = (): number | undefined => {
    if (free === 0 && !evict()) return undefined;
    const page = taken.indexOf(0);
    taken[page] = 1;
    free--;
    return page;
  };
  const touch = (node: Node | undefined): void => {
    time++;
    for (let at = node; at !== undefined; at = at.parent) at.usedAt = time;
  };
  const moveTo = (lease: Lease, node: Node): void => {
    lease.node.users--;
    node.users++;
    lease.node = node;
  };
  const depthOf = (node: Node): number => {
    let depth = 0;
    for (let at = node; at.parent !== undefined; at = at.parent) depth++;
    return depth;
  };
  const add = (parent: Node, ids: readonly number[], page: number): Node => {
    const node = nodeOf(ids, page, parent);
    // What was the end of another sequence is within this page now.
    for (const sibling of parent.children) {
      if (
        isEvictable(sibling) &&
        sibling.ids.length < ids.length &&
        commonLength(sibling.ids, ids, 0) === sibling.ids.length
      )
        remove(sibling);
    }
    parent.children.add(node);
    nodes.add(node);
    return node;
  };
  const save = (node: Node, saved: SavedStates): void => {
    node.saved = saved;
    const all = [...nodes].filter((other) => other.saved !== undefined).sort((a, b) => a.usedAt - b.usedAt);
    for (const old of all.slice(0, Math.max(0, all.length - mostSaved))) old.saved = undefined;
  };
  const share = (lease: Lease, ids: readonly number[]): void => {
    let node = lease.node;
    for (let i = depthOf(node); (i + 1) * PAGE <= ids.length; i++) {
      const own = ids.slice(i * PAGE, (i + 1) * PAGE);
      const same = [...node.children].find((child) => commonLength(child.ids, own, 0) === PAGE);
      if (same !== undefined) release(lease.pages[i]);
      node = same ?? add(node, own, lease.pages[i]);
      lease.pages[i] = node.page;
    }
    moveTo(lease, node);
    touch(node);
  };

  return {
    match(ids, most) {
      let node = root;
      const path: Node[] = [];
      for (let at = 0; ; at += PAGE) {
        let [best, length]: [Node | undefined, number] = [undefined, 0];
        for (const child of node.children) {
          const common = Math.min(commonLength(child.ids, ids, at), most - at);
          if (common > length) [best, length] = [child, common];
        }
        if (best !== undefined && length === PAGE) {
          path.push(best);
          node = best;
          continue;
        }
        const end = best ?? (at > 0 ? node : undefined);
        const isWhole = end !== undefined && (best === undefined || length === best.ids.length);
        return { length: at + length, saved: isWhole ? end.saved : undefined, path, last: best };
      }
    },
    available(match) {
      const locked = new Set<Node>(match?.path);
      if (match?.last !== undefined) locked.add(match.last);
      for (const { node } of leases) for (let at = node; at.parent !== undefined; at = at.parent) locked.add(at);
      return free + nodes.size - locked.size;
    },
    lease(match, positions, copy) {
      const { path, last } = match;
      const node = path.at(-1) ?? root;
      const lease: Lease = { pages: path.map(({ page }) => page), node };
      node.users++;
      if (last !== undefined) last.users++;
      const needed = Math.ceil(positions / PAGE);
      while (lease.pages.length < needed) {
        const page = take();
        if (page === undefined) break;
        if (lease.pages.length === path.length && last !== undefined) copy(last.page, page);
        lease.pages.push(page);
      }
      if (last !== undefined) last.users--;
      touch(last ?? node);
      if (lease.pages.length >= needed) {
        leases.add(lease);
        return lease;
      }
      node.users--;
      for (const page of lease.pages.slice(path.length)) release(page);
      return undefined;
    },
    grow(lease) {
      const page = take();
      if (page !== undefined) lease.pages.push(page);
      return page !== undefined;
    },
    share,
    end(lease, ids, saved) {
      share(lease, ids);
      const { node } = lease;
      let kept = depthOf(node);
      const rest = ids.slice(kept * PAGE);
      const covered = [...node.children].find((child) => commonLength(child.ids, rest, 0) === rest.length);
      let end = rest.length === 0 ? node : covered;
      if (end === undefined) end = add(node, rest, lease.pages[kept++]);
      touch(end);
      if (saved !== undefined && end !== root && end.ids.length === (rest.length || PAGE)) save(end, saved);
      for (const page of lease.pages.slice(kept)) release(page);
      node.users--;
      leases.delete(lease);
    },
    count,
    get used() {
      return count - this.available();
    },
    get kept() {
      return this.available() - free;
    },
  };
}

function nodeOf(ids: readonly number[], page: number, parent: Node | undefined): Node {
  return { ids, page, parent, children: new Set(), users: 0, usedAt: 0, saved: undefined };
}

/** How many of `ids` follow one another in `others` from `at` on. */
function commonLength(ids: readonly number[], others: readonly number[], at: number): number {
  const most = Math.min(ids.length, others.length - at);
  let length = 0;
  while (length < most && ids[length] === others[at + length]) length++;
  return length;
}
