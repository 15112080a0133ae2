// Prints what this engine computes: for golden files of the packed formats, a hash of the logits in each mode and build.
import { createHash } from "node:crypto";
import { open } from "../dist/index.js";
import { usableBuilds } from "../dist/wasm/kernels.js";

const ids = Array.from({ length: 11 }, (_, i) => i + 1); // two tiles of four tokens, and three left over

async function printBits(format, mode, kernels) {
  const model = await open(`golden/gguf/${format}.gguf`, { mode, kernels, threads: 1 });
  const { data } = await model.logits(ids);
  await model.close();
  console.log(format, mode, kernels, createHash("sha256").update(data).digest("hex"));
}

for (const format of ["Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]) {
  for (const kernels of usableBuilds()) {
    await printBits(format, "exact", kernels);
    await printBits(format, "int8", kernels);
  }
}
