// Step 9: only the experts that were chosen.
//
//   W   expert 0 │ expert 1 │ expert 2 │ …            one after another, each rows × cols, packed
//   x   one row of activations, the same for all k chosen
//   y   k × rows
//
// One multiplication makes a mixture of experts cheap: it finds where an expert begins. The weights of other experts are not
// read. For 4 of 32 experts, decode reads an eighth of these bytes. (w2 has another input for each expert. The shipped kernel
// in assembly/ops/expert-linear.ts handles both cases, and groups the choices of many tokens by expert, so that an expert's
// weights are read once for all of them.)
import { gemv } from "./8-registers";

export { quantize } from "./activations";
export { pack } from "./pack";

/** @param chosen  k expert numbers, int32 */
export function gemvOfExperts(y: usize, w: usize, x: usize, chosen: usize, k: i32, rows: i32, cols: i32): void {
  const expertBytes = (rows >> 3) * (cols >> 5) * 144;
  for (let j = 0; j < k; j++) {
    const expert = load<i32>(chosen + (j << 2));
    gemv(y + ((j * rows) << 2), w + expert * expertBytes, x, rows, cols);
  }
}
