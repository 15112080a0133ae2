// Sizes of packed weights and of their int8 activations, for planning. The layouts are drawn in assembly/formats/packed.ts.
import type { FormatName } from "../blocks/block-format.ts";

/** Groups of 8 rows × 32 columns: bytes of one, bytes of the head that some of them share, and how many share it. */
const layouts: Partial<Record<FormatName, readonly [group: number, head: number, groups: number]>> = {
  Q4_0: [128, 16, 1],
  Q8_0: [256, 16, 1],
  Q4_K: [144, 64, 8],
  Q5_K: [176, 64, 8],
  Q6_K: [208, 32, 8],
};

/** Rows that are packed together. */
export const STRIP_ROWS = 8;

/** Whether the format has an integer dot product, and the matrix rows to pack. */
export function canPack(format: FormatName, rows: number): boolean {
  return layouts[format] !== undefined && rows % STRIP_ROWS === 0;
}

/** Bytes of 8 packed rows. Given: canPack, and whole blocks to a row. */
export function stripBytes(format: FormatName, cols: number): number {
  const [group, head, groups] = layouts[format] as readonly [number, number, number];
  return (cols / 32) * group + (cols / 32 / groups) * head;
}

/** Bytes of 32 activations in int8: assembly/q8.ts. */
export function recordBytes(relaxed: boolean): number {
  return relaxed ? 48 : 80;
}
