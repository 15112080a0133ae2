// Kernels by themselves: figures come out, of every kind.
import { describe, expect, it } from "vitest";
import { benchAttention, benchFormat, KERNEL_FORMATS } from "../../src/bench/peers/kernels.ts";
import { reportKernels } from "../../src/bench/peers/kernels-report.ts";
import { randomBlocks } from "../../src/bench/peers/random-blocks.ts";
import { machineFacts } from "../../src/bench/product/machine.ts";
import { blockFormats, decodeRow } from "../../src/blocks/formats.ts";

describe("random blocks", () => {
  it.each(KERNEL_FORMATS)("of %s are numbers of moderate size", (format) => {
    const numbers = new Float32Array(1024);
    decodeRow(blockFormats[format], randomBlocks(format, 1024), 0, numbers, 1024);
    for (const number of numbers) expect(Math.abs(number)).toBeLessThan(1e4);
    expect(new Set(numbers).size).toBeGreaterThan(10);
  });
});

describe("a kernel's figures", () => {
  it("are there for a format and for attention", async () => {
    const format = await benchFormat("Q4_0", "baseline", 2 ** 20);
    expect(format.gemv.median).toBeGreaterThan(1e7);
    expect(format.gemm.median).toBeGreaterThan(1e8);
    expect(format.pack).toBeGreaterThan(1e6);
    const attention = await benchAttention("int8", "baseline", 2 ** 20);
    expect(attention.perPosition.median).toBeGreaterThan(0);

    const run = {
      kind: "lfm2 bench kernels",
      date: "",
      mode: "int8",
      machine: machineFacts(),
      readLimit: 4e10,
    } as const;
    const report = reportKernels({ ...run, formats: [format], attention: [attention] });
    expect(report).toMatch(/^\| Q4_0 +\| baseline +\|/m);
    expect(report).toMatch(/^\| int8 +\| baseline +\|/m);
    expect(report).not.toMatch(/NaN|undefined/);
  });
});
