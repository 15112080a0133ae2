// Who has which page of keys and values: shared beginnings, copies, what goes first when there is no room.
import { expect, it } from "vitest";
import { createPages } from "../../src/engine/pages.ts";

const ids = (count: number, of = 0): number[] => Array.from({ length: count }, (_, i) => 1000 * of + i);
const copies: [number, number][] = [];
const copy = (from: number, to: number): void => void copies.push([from, to]);

/** A sequence that begins, reads all of its ids, and ends. */
function read(pages: ReturnType<typeof createPages>, list: readonly number[]): number {
  const match = pages.match(list, list.length - 1);
  const lease = pages.lease(match, list.length, copy);
  if (lease === undefined) throw new Error("no room");
  pages.end(lease, list, [Uint8Array.of(list.length)]);
  return match.length;
}

it("keeps what has been read, shares full pages, and copies the one in whose middle a prompt parts", () => {
  const pages = createPages(8, 4);
  expect(read(pages, ids(70))).toBe(0);
  expect([pages.used, pages.kept]).toEqual([0, 3]);
  const longer = [...ids(70), 7, 8];
  const match = pages.match(longer, longer.length - 1);
  expect(match).toMatchObject({ length: 70, saved: [Uint8Array.of(70)] });
  copies.length = 0;
  const lease = pages.lease(match, 100, copy);
  expect(copies).toEqual([[match.last?.page, lease?.pages[2]]]);
  expect(lease?.pages.slice(0, 2)).toEqual(match.path.map(({ page }) => page));
  expect([pages.used, pages.kept]).toEqual([4, 1]);
  // What is known of a prompt is never all of it, and nothing is saved within it.
  expect(pages.match(ids(70), 69)).toMatchObject({ length: 69, saved: undefined });
  expect(pages.match([...ids(40), 3], 40)).toMatchObject({ length: 40, saved: undefined });
});

it("gives up what was used least recently, never what somebody goes on from", () => {
  const pages = createPages(6, 4);
  read(pages, ids(64, 1));
  read(pages, ids(64, 2));
  const running = pages.lease(pages.match([...ids(64, 1), 5], 64), 65, copy);
  expect(pages.available()).toBe(3);
  read(pages, ids(64, 3));
  expect(pages.match(ids(64, 2), 64).length).toBe(32);
  expect(pages.match(ids(64, 1), 64).length).toBe(64);
  expect(pages.lease(pages.match(ids(200, 4), 199), 200, copy)).toBeUndefined();
  expect(pages.available()).toBe(3);
  if (running === undefined) throw new Error("no room");
  for (let more = 0; more < 3; more++) expect(pages.grow(running)).toBe(true);
  expect(pages.grow(running)).toBe(false);
  pages.end(running, [], undefined);
  expect([pages.used, pages.available()]).toEqual([0, 6]);
});

it("stores pages once that two sequences have read side by side", () => {
  const pages = createPages(8, 4);
  const [a, b] = [0, 1].map(() => pages.lease(pages.match(ids(40), 39), 41, copy));
  if (a === undefined || b === undefined) throw new Error("no room");
  expect(pages.used).toBe(4);
  pages.share(a, ids(40));
  pages.share(b, ids(40));
  expect(pages.used).toBe(3);
  expect(a.pages[0]).toBe(b.pages[0]);
  expect(a.pages[1]).not.toBe(b.pages[1]);
});

it("keeps so many states of convolutions", () => {
  const pages = createPages(8, 2);
  for (const of of [1, 2, 3]) read(pages, ids(20, of));
  const saved = [1, 2, 3].map((of) => pages.match([...ids(20, of), 0], 20).saved !== undefined);
  expect(saved).toEqual([false, true, true]);
});
