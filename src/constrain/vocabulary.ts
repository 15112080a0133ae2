// The vocabulary as a tree of bytes, so that a beginning that tokens share is looked at once.
import { type PackedBytes, packBytes } from "../tokenizer/packed-bytes.ts";

/** Nodes in depth-first order; node 0 is the root. */
export interface VocabularyTree extends PackedBytes {
  /** The byte that leads to a node. */
  readonly byte: Uint8Array;
  /** Bytes from the root, so a token's length where it ends. */
  readonly depth: Uint16Array;
  /** The node after all that lie below a node. */
  readonly after: Uint32Array;
  /**
   * How many characters begin below a node at most, when all that lies below it, its own end being the end of a
   * character, is UTF-8 of ordinary characters; 0xffff when it is not.
   */
  readonly ordinary: Uint16Array;
  /** Tokens that end at node i: `ids` from `idOffsets[i]` to `idOffsets[i + 1]`. */
  readonly idOffsets: Uint32Array;
  readonly ids: Uint32Array;
  readonly maxDepth: number;
}

/** A longer token is never allowed. */
const MAX_TOKEN_BYTES = 1024;

/** The bytes of `size` tokens; those that are too long, that pad or that are matched whole have none. */
export function collectVocabulary(size: number, bytesOf: (id: number) => Uint8Array | undefined): PackedBytes {
  const tokens = Array.from({ length: size }, (_, id) => {
    const token = bytesOf(id);
    return token !== undefined && token.length <= MAX_TOKEN_BYTES ? token : undefined;
  });
  return packBytes(tokens);
}

export function buildTree({ bytes, offsets }: PackedBytes): VocabularyTree {
  const lengthOf = (id: number): number => offsets[id + 1] - offsets[id];
  const compare = (a: number, b: number): number => {
    const common = Math.min(lengthOf(a), lengthOf(b));
    for (let i = 0; i < common; i++) {
      const difference = bytes[offsets[a] + i] - bytes[offsets[b] + i];
      if (difference !== 0) return difference;
    }
    return lengthOf(a) - lengthOf(b) || a - b;
  };
  const ids = Uint32Array.from({ length: offsets.length - 1 }, (_, id) => id).filter((id) => lengthOf(id) > 0);
  ids.sort(compare);

  const most = bytes.length + 1;
  const byte = new Uint8Array(most);
  const depth = new Uint16Array(most);
  const after = new Uint32Array(most);
  const idOffsets = new Uint32Array(most + 1);
  const path = [0];
  let count = 1;
  let maxDepth = 0;
  let previous = -1;
  ids.forEach((id, index) => {
    const length = lengthOf(id);
    let shared = 0;
    if (previous >= 0) {
      const common = Math.min(length, lengthOf(previous));
      while (shared < common && bytes[offsets[id] + shared] === bytes[offsets[previous] + shared]) shared++;
    }
    while (path.length > shared + 1) after[path.pop() as number] = count;
    for (let i = shared; i < length; i++) {
      byte[count] = bytes[offsets[id] + i];
      depth[count] = i + 1;
      idOffsets[count] = index;
      path.push(count++);
    }
    maxDepth = Math.max(maxDepth, length);
    previous = id;
  });
  for (const node of path) after[node] = count;
  idOffsets.fill(ids.length, count);
  return {
    bytes,
    offsets,
    byte: byte.slice(0, count),
    depth: depth.slice(0, count),
    after: after.slice(0, count),
    ordinary: countOrdinary(byte.subarray(0, count), depth, maxDepth),
    idOffsets: idOffsets.slice(0, count + 1),
    ids,
    maxDepth,
  };
}

const OTHER = 0xffff;

function countOrdinary(byte: Uint8Array, depth: Uint16Array, maxDepth: number): Uint16Array {
  const count = byte.length;
  // Which bytes may come next; 0 between characters.
  const inside = new Uint8Array(count);
  const ends = new Uint32Array(maxDepth + 1);
  const parent = new Uint32Array(count);
  const isOrdinary = new Uint8Array(count);
  for (let node = 1; node < count; node++) {
    parent[node] = ends[depth[node] - 1];
    ends[depth[node]] = node;
    const next = afterByte(inside[parent[node]], byte[node]);
    isOrdinary[node] = next === undefined ? 0 : 1;
    inside[node] = next ?? 0;
  }
  const most = new Uint16Array(count);
  for (let node = count - 1; node > 0; node--) {
    const begins = inside[parent[node]] === 0 ? 1 : 0;
    const below = isOrdinary[node] === 0 || most[node] === OTHER ? OTHER : most[node] + begins;
    most[parent[node]] = Math.max(most[parent[node]], below);
  }
  for (let node = 0; node < count; node++) if (inside[node] !== 0) most[node] = OTHER;
  return most;
}

// Within a character: 1 to 3 bytes of 80 to BF are left; or the next one is restricted.
const AFTER_E0 = 4;
const AFTER_ED = 5;
const AFTER_F0 = 6;
const AFTER_F4 = 7;

/**
 * Where a byte leads within UTF-8; undefined where it belongs to no ordinary character.
 *
 * @source The Unicode Standard 16, table 3-7
 */
function afterByte(inside: number, byte: number): number | undefined {
  if (inside === 0) {
    if (byte < 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x5c) return undefined;
    if (byte < 0x80) return 0;
    if (byte < 0xc2 || byte > 0xf4) return undefined;
    if (byte < 0xe0) return 1;
    if (byte < 0xf0) return byte === 0xe0 ? AFTER_E0 : byte === 0xed ? AFTER_ED : 2;
    return byte === 0xf0 ? AFTER_F0 : byte === 0xf4 ? AFTER_F4 : 3;
  }
  const low = inside === AFTER_E0 ? 0xa0 : inside === AFTER_F0 ? 0x90 : 0x80;
  const high = inside === AFTER_ED ? 0x9f : inside === AFTER_F4 ? 0x8f : 0xbf;
  if (byte < low || byte > high) return undefined;
  return inside < AFTER_E0 ? inside - 1 : inside < AFTER_F0 ? 1 : 2;
}
