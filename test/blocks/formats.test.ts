import { describe, expect, it } from "vitest";
import { blockFormats, formatOfGgmlType, ggmlTypeName, rowBytes } from "../../src/blocks/formats.ts";

describe("block formats", () => {
  it("have ggml's type ids, lengths and sizes", () => {
    // gguf-py constants.py, GGMLQuantizationType and GGML_QUANT_SIZES
    const ggml = [
      ["F32", 0, 1, 4],
      ["F16", 1, 1, 2],
      ["Q4_0", 2, 32, 18],
      ["Q4_1", 3, 32, 20],
      ["Q5_0", 6, 32, 22],
      ["Q5_1", 7, 32, 24],
      ["Q8_0", 8, 32, 34],
      ["Q2_K", 10, 256, 84],
      ["Q3_K", 11, 256, 110],
      ["Q4_K", 12, 256, 144],
      ["Q5_K", 13, 256, 176],
      ["Q6_K", 14, 256, 210],
      ["IQ4_NL", 20, 32, 18],
      ["IQ4_XS", 23, 256, 136],
      ["BF16", 30, 1, 2],
      ["MXFP4", 39, 32, 17],
    ];
    const ours = Object.values(blockFormats).map((f) => [f.name, f.ggmlType, f.blockLength, f.blockBytes]);
    expect(ours.sort((a, b) => Number(a[1]) - Number(b[1]))).toEqual(ggml);
  });

  it("are found by ggml type, and by their own name", () => {
    for (const [name, format] of Object.entries(blockFormats)) {
      expect(format.name).toBe(name);
      expect(formatOfGgmlType(format.ggmlType)).toBe(format);
      expect(ggmlTypeName(format.ggmlType)).toBe(name);
    }
  });

  it("that are not decoded here still have a name to be refused by", () => {
    expect(formatOfGgmlType(16)).toBeUndefined();
    expect([16, 34, 40, 99].map(ggmlTypeName)).toEqual(["IQ2_XXS", "TQ1_0", "NVFP4", "ggml type 99"]);
  });

  it("know the bytes of a row", () => {
    expect(rowBytes(blockFormats.Q4_0, 2048)).toBe(1152);
    expect(rowBytes(blockFormats.Q6_K, 1792)).toBe(1470);
    expect(rowBytes(blockFormats.F32, 3)).toBe(12);
  });
});
