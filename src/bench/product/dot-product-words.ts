// What the speed of integer products depends on most.
import { dotProductOfBytes, takesWholeBytes } from "../../wasm/dot-product.ts";
import { hasRelaxedSimd } from "../../wasm/kernels.ts";

export type DotProductWords = "one instruction" | "several instructions" | "baseline SIMD";

export function dotProductWords(): DotProductWords {
  if (!hasRelaxedSimd()) return "baseline SIMD";
  return takesWholeBytes(dotProductOfBytes()) ? "one instruction" : "several instructions";
}
