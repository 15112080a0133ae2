// RoPE's angles are computed once in a step, and copied once to every other bank that needs them.
import { expect, it } from "vitest";
import { type Bank, createCountingBank } from "../../src/wasm/bank.ts";
import { alone } from "../../src/wasm/pool.ts";
import { WasmOps } from "../../src/wasm/wasm-ops.ts";

function countingBank(): { bank: Bank; calls: string[] } {
  const calls: string[] = [];
  const kernels = new Proxy({} as Bank["kernels"], { get: (_, name) => () => calls.push(String(name)) });
  return { bank: { ...createCountingBank(), kernels, write: () => calls.push("write") }, calls };
}

it("angles are computed in the first bank, and written once to another", () => {
  const [first, second] = [countingBank(), countingBank()];
  const ops = new WasmOps({
    firstBank: first.bank,
    pool: alone,
    relaxed: false,
    threads: { decode: 1, prompt: 1 },
    rounds: false,
  });
  const rotation = { inverseFrequency: new Float32Array(8), attentionFactor: 1 };
  const angles = ops.angles(Int32Array.of(5, 6), rotation);
  expect(first.calls).toEqual(["write", "write", "ropeAngles"]); // frequencies and positions
  first.calls.length = 0;
  for (const { bank } of [first, second]) {
    for (let layer = 0; layer < 3; layer++) {
      for (const cols of [64, 16]) ops.rope({ rows: 2, cols, bank, address: 0, stride: cols }, angles);
      bank.releaseLayer();
    }
  }
  expect(first.calls).toEqual(Array(6).fill("rope"));
  expect(second.calls).toEqual(["write", ...Array(6).fill("rope")]);
});
