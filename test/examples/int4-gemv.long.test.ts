// The kernel in steps: the first ones against the reference, those with int8 activations against the shipped kernel's bits.
import { describe, expect, it } from "vitest";
import { compileStep, instantiateStep, type StepKernels } from "../../examples/int4-gemv/compile-step.ts";
import { gemv } from "../../examples/int4-gemv/loops.ts";
import { usableBuilds } from "../../src/wasm/kernels.ts";
import { gap, randomBlocks, rigs, seeded } from "../ops/harness.ts";

const COLS = 96;
/** Five strips, of which step 7 on computes the middle one twice. */
const ROWS = 40;
const EXPERTS = 3;
const random = seeded(4);
const weights = randomBlocks("Q4_0", EXPERTS * ROWS * COLS, random);
const one = weights.subarray(0, weights.length / EXPERTS);
const x = Float32Array.from({ length: 4 * COLS }, () => 4 * random() - 2);

// Bytes of the steps' memory.
const [CHOICES, X, FROM, PACKED, Y] = [1024, 2048, 16384, 65536, 131072];

async function prepared(name: string): Promise<{ kernels: StepKernels; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared: true });
  const kernels = instantiateStep(await compileStep(name), memory);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(weights, FROM);
  bytes.set(new Uint8Array(x.buffer), Y);
  const stride = (COLS / 32) * 40;
  if (kernels.quantize === undefined) bytes.set(new Uint8Array(x.buffer), X);
  else for (let token = 0; token < 4; token++) kernels.quantize(X + token * stride, Y + token * COLS * 4, COLS);
  kernels.pack?.(PACKED, FROM, EXPERTS * ROWS, COLS);
  return { kernels, memory };
}

const numbersAt = (memory: WebAssembly.Memory, at: number, count: number): Float32Array =>
  new Float32Array(memory.buffer, at, count).slice();

/** What the library's own operations give, in float32 and with int8 activations. */
function expected(): { exact: Float32Array; int8: Float32Array; experts: Float32Array } {
  const matrices = {
    x: { rows: 4, cols: COLS, data: x },
    w: { rows: ROWS, cols: COLS, format: "Q4_0" as const, data: one },
    e: { rows: ROWS, cols: COLS, experts: EXPERTS, format: "Q4_0" as const, data: weights },
  };
  const [reference] = rigs(matrices);
  const [, kernels] = rigs(matrices, { mode: "int8", build: usableBuilds()[0] });
  const exact = reference.memory.read(reference.ops.linear(reference.tensor("x"), reference.weight("w")));
  const all = kernels.memory.read(kernels.ops.linear(kernels.tensor("x"), kernels.weight("w")));
  const chosen = [2, 0].map((expert) => {
    const data = weights.subarray(expert * one.length, (expert + 1) * one.length);
    const [, rig] = rigs({ ...matrices, w: { ...matrices.w, data } }, { mode: "int8" });
    return rig.memory.read(rig.ops.linear(rig.tensor("x"), rig.weight("w"))).slice(0, ROWS);
  });
  return { exact, int8: all, experts: Float32Array.from(chosen.flatMap((part) => [...part])) };
}

const { exact, int8, experts } = expected();
/** Sums of 96 products of float32, in another order. */
const TOLERANCE = 1e-5;

describe("the kernel in steps", () => {
  it("begins with loops that give the reference's numbers", () => {
    expect(gap(gemv(one, x.subarray(0, COLS), ROWS), exact.subarray(0, ROWS))).toBeLessThan(TOLERANCE);
  });

  it("decodes blocks first: 1-blocks", async () => {
    const { kernels, memory } = await prepared("1-blocks");
    kernels.gemv(Y, FROM, X, ROWS, COLS);
    expect(gap(numbersAt(memory, Y, ROWS), exact.subarray(0, ROWS))).toBeLessThan(TOLERANCE);
  });

  it.each(["2-int8", "3-simd", "4-offset", "5-relaxed", "6-rows", "7-streams", "8-registers"])(
    "has the bits of the shipped kernel: %s",
    async (name) => {
      const { kernels, memory } = await prepared(name);
      kernels.gemv(Y, kernels.pack === undefined ? FROM : PACKED, X, ROWS, COLS);
      expect(numbersAt(memory, Y, ROWS)).toEqual(int8.subarray(0, ROWS));
    },
  );

  it("reads the chosen experts: 9-experts", async () => {
    const { kernels, memory } = await prepared("9-experts");
    new Int32Array(memory.buffer, CHOICES, 2).set([2, 0]);
    kernels.gemvOfExperts(Y, PACKED, X, CHOICES, 2, ROWS, COLS);
    expect(numbersAt(memory, Y, 2 * ROWS)).toEqual(experts);
  });

  it("gives four tokens what each has alone: 10-tile", async () => {
    const { kernels, memory } = await prepared("10-tile");
    kernels.gemmOfFour(Y, PACKED, X, (COLS / 32) * 40, ROWS, COLS);
    expect(numbersAt(memory, Y, 4 * ROWS)).toEqual(int8);
  });
});
