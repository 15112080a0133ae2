// Compiled modules and the scripts beside them: one version.
import { expect, it } from "vitest";
import { kernelNames, sharedKernels, sizesModule } from "../../src/wasm/compiled.ts";
import { instantiateKernels } from "../../src/wasm/instantiate.ts";

it("kernels of another version are refused at the start, by the name of one that is missing", () => {
  const another = new WebAssembly.Module(Uint8Array.from(atob(sizesModule), (byte) => byte.charCodeAt(0)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  expect(() => instantiateKernels(another, memory)).toThrow(
    `kernels: expected one named ${kernelNames[0]}, found none in the compiled module. ` +
      "It is of another version of this package; serve dist/assets and the scripts beside it from the same one.",
  );
});

it("threads share the kernels whose work has a begin and an end", () => {
  expect([...sharedKernels].sort()).toEqual([
    "attention",
    "copyBytes",
    "expertLinear",
    "expertLinearPacked",
    "linear",
    "linearPacked",
    "packExpertTiles",
    "packRows",
    "packTiles",
    "quantize",
    "rmsNorm",
    "swiglu",
    "swigluInt8",
  ]);
  expect(kernelNames).toEqual(expect.arrayContaining([...sharedKernels]));
});
