// The vocabulary as a tree of bytes: what two tokens begin with alike is looked at once.

/** The bytes of every token, end to end; a token without bytes (padding, or one that is matched whole) has none. */
export interface VocabularyBytes {
  readonly bytes: Uint8Array;
  /** Token `id` is `bytes` from `offsets[id]` to `offsets[id + 1]`. */
  readonly offsets: Uint32Array;
}

/** Nodes in depth-first order; node 0 is the root. */
export interface VocabularyTree extends VocabularyBytes {
  /** The byte that leads to a node. */
  readonly byte: Uint8Array;
  /** Bytes from the root, so a token's length where it ends. */
  readonly depth: Uint16Array;
  /** The node after all that lie below a node. */
  readonly after: Uint32Array;
  /** Tokens that end at node i: `ids` from `idOffsets[i]` to `idOffsets[i + 1]`. */
  readonly idOffsets: Uint32Array;
  readonly ids: Uint32Array;
  readonly maxDepth: number;
}

/** A longer token is never allowed. */
const MAX_TOKEN_BYTES = 1024;

/** Collects the bytes of `size` tokens. */
export function collectVocabulary(size: number, bytesOf: (id: number) => Uint8Array | undefined): VocabularyBytes {
  const tokens = Array.from({ length: size }, (_, id) => {
    const token = bytesOf(id);
    return token !== undefined && token.length <= MAX_TOKEN_BYTES ? token : undefined;
  });
  const offsets = new Uint32Array(size + 1);
  tokens.forEach((token, id) => {
    offsets[id + 1] = offsets[id] + (token?.length ?? 0);
  });
  const bytes = new Uint8Array(offsets[size]);
  tokens.forEach((token, id) => {
    if (token !== undefined) bytes.set(token, offsets[id]);
  });
  return { bytes, offsets };
}

export function buildTree({ bytes, offsets }: VocabularyBytes): VocabularyTree {
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
    idOffsets: idOffsets.slice(0, count + 1),
    ids,
    maxDepth,
  };
}
