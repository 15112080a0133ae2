// What the speed of integer products depends on most.
import { dotProductOfBytes } from "../../wasm/dot-product.ts";
import { usableBuilds } from "../../wasm/kernels.ts";

export type DotProductWords = "one instruction" | "several instructions" | "baseline SIMD";

export function dotProductWords(): DotProductWords {
  if (!usableBuilds().includes("relaxed")) return "baseline SIMD";
  return dotProductOfBytes() === "saturating" ? "several instructions" : "one instruction";
}
