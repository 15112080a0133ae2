// A WebAssembly module that does nothing but read memory, sixteen bytes at a time, assembled by hand.
//
// It sets the limit that the kernels are measured against: no weight can be multiplied faster than it is read.

/** Streams that a thread may read side by side: hardware prefetchers follow several, and do better with two or four. */
export const STREAMS = [1, 2, 4] as const;

/** Reads `bytes` at `address` in 1, 2 or 4 equal parts side by side; a multiple of 128 to each part. */
export type StreamExports = Readonly<
  Record<`read${(typeof STREAMS)[number]}`, (address: number, bytes: number) => number>
>;

/** Loads of sixteen bytes from each stream in one turn of the loop. */
const LOADS = 8;
const ACCUMULATORS = 4;

/** A module that exports `read1`, `read2` and `read4`, and imports `env.memory`. */
export function assembleStreams(): Uint8Array<ArrayBuffer> {
  const memory = [...name("env"), ...name("memory"), 2, 0, 0]; // a memory of any size
  const exports = STREAMS.flatMap((streams, i) => [...name(`read${streams}`), 0, i]);
  const bodies = STREAMS.map(readBody).flatMap((body) => [...leb(body.length), ...body]);
  return Uint8Array.of(
    ...[0, 97, 115, 109, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, 2, I32, I32, 1, I32]), // type (i32, i32) → i32
    ...section(2, [1, ...memory]),
    ...section(3, [STREAMS.length, ...STREAMS.map(() => 0)]),
    ...section(7, [STREAMS.length, ...exports]),
    ...section(10, [STREAMS.length, ...bodies]),
  );
}

const I32 = 0x7f;
const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const ADD = 0x6a; // i32.add
const SHIFT_RIGHT = 0x76; // i32.shr_u
const LESS = 0x49; // i32.lt_u
const OR = [0xfd, 0x50]; // v128.or
const constant = (value: number): number[] => [0x41, ...leb(value)];
const load = (offset: number): number[] => [0xfd, 0, 4, ...leb(offset)]; // v128.load, aligned to 2⁴

/**
 * same as: for (; p < end; p += 128) for each stream s: any |= memory[p + s · part … + 128]
 * Locals: 0 the address, which walks the first stream; 1 bytes of a part; 2 the first part's end; accumulators;
 * addresses of the other streams.
 */
function readBody(streams: (typeof STREAMS)[number]): number[] {
  const accumulator = (i: number): number => 3 + (i % ACCUMULATORS);
  const pointer = (stream: number): number => (stream === 0 ? 0 : 2 + ACCUMULATORS + stream);
  const each = (count: number, code: (i: number) => number[]): number[] =>
    Array.from({ length: count }, (_, i) => code(i)).flat();
  const next = (stream: number): number[] =>
    each(LOADS, (i) => [
      ...get(accumulator(i)),
      ...get(pointer(stream)),
      ...load(16 * i),
      ...OR,
      ...set(accumulator(i)),
    ]);
  return [
    ...[3, 1, I32, ACCUMULATORS, V128, streams, I32], // three runs of locals; one address is left over
    ...[...get(1), ...constant(Math.log2(streams)), SHIFT_RIGHT, ...set(1)],
    ...[...get(0), ...get(1), ADD, ...set(2)],
    ...each(streams - 1, (i) => [...get(pointer(i)), ...get(1), ADD, ...set(pointer(i + 1))]),
    ...[0x03, 0x40], // loop
    ...each(streams, next),
    ...each(streams, (stream) => [...get(pointer(stream)), ...constant(16 * LOADS), ADD, ...set(pointer(stream))]),
    ...[...get(0), ...get(2), LESS, 0x0d, 0], // br_if loop
    0x0b,
    // The loads need a result, or an engine may leave them out.
    ...get(accumulator(0)),
    ...each(ACCUMULATORS - 1, (i) => [...get(accumulator(i + 1)), ...OR]),
    ...[0xfd, 0x53], // v128.any_true
    0x0b,
  ];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (character) => character.charCodeAt(0))];
}

/** LEB128. Signed and unsigned agree on the constants here: bit 6 of their last byte is clear. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)];
}
