// The proof that an engine computes this project's numbers: one hash of the embedded model's logits in each mode.
import { sha256 } from "./trace/model-hash.ts";

/** Three dialogues of golden/nano/golden.json, 64 ids of each: a question and the next, a story, a list of tools. */
export const prompts: readonly (readonly number[])[] = [
  [
    1, 6, 330, 214, 686, 852, 1128, 907, 677, 33, 684, 46, 7, 214, 6, 335, 214, 14, 52, 1704, 41, 236, 726, 1111, 1753,
    1580, 27, 236, 35, 1422, 29, 15, 52, 734, 1566, 1936, 1949, 1580, 933, 236, 726, 1128, 27, 422, 236, 35, 340, 862,
    1353, 507, 801, 598, 29, 7, 214, 6, 330, 214, 564, 390, 236, 39, 633, 236,
  ],
  [
    1, 6, 330, 214, 1526, 504, 288, 1137, 894, 288, 1793, 29, 7, 214, 6, 335, 214, 14, 55, 950, 41, 1204, 27, 288, 1562,
    1793, 29, 966, 41, 1622, 29, 964, 41, 1745, 1683, 29, 963, 41, 1178, 314, 2006, 29, 967, 41, 288, 2006, 1548, 494,
    29, 15, 1550, 1552, 288, 589, 27, 355, 291, 1801, 288, 328, 1801, 1622, 27, 1000,
  ],
  [
    1, 6, 420, 214, 449, 340, 421, 41, 236, 8, 74, 285, 344, 274, 273, 485, 629, 292, 273, 379, 274, 273, 533, 314, 820,
    685, 340, 288, 559, 292, 273, 364, 274, 287, 305, 274, 273, 375, 292, 273, 376, 274, 287, 447, 274, 287, 305, 274,
    273, 348, 429, 273, 439, 274, 287, 305, 274, 273, 348, 292, 273, 861, 274, 358,
  ],
];

/** SHA-256 of float32 logits, little-endian, of the three prompts after one another: [3 · 64, vocab]. */
export const expectedBits = {
  exact: "d89766b0cb4a57044490e9fbc26c3c294855d77ed02797b834804068d9d6e9c7",
  int8: "4a8c18cdc910c735c156fda1849f1af58eb7fb1431e8eb50db99adf3896073b0",
} as const;

export type BitsMode = keyof typeof expectedBits;

/** The embedded model, opened in one of the modes, as far as the proof needs it. */
export interface BitsModel {
  logits(ids: readonly number[], options?: { readonly signal?: AbortSignal }): Promise<{ readonly data: Float32Array }>;
}

/** What `expectedBits` should say. Every engine that runs WebAssembly is little-endian. */
export async function logitBits(model: BitsModel, signal?: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (const ids of prompts) {
    const { data } = await model.logits(ids, { signal });
    pieces.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return sha256(pieces);
}
