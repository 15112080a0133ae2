// Which files of a repository a name means; what is not clear is asked back, with what there is.
import { describe, expect, it } from "vitest";
import { pickFiles } from "../../src/hub/pick-files.ts";

const name = { repo: "o/r", revision: "main" };
const ggufs = [
  ".gitattributes",
  "README.md",
  "LFM2-8B-A1B-F16.gguf",
  "LFM2-8B-A1B-Q4_0.gguf",
  "LFM2-8B-A1B-Q4_K_M.gguf",
  "UD-Q2_K_XL/LFM2-8B-A1B-UD-Q2_K_XL-00002-of-00002.gguf",
  "UD-Q2_K_XL/LFM2-8B-A1B-UD-Q2_K_XL-00001-of-00002.gguf",
  "mmproj-LFM2-VL-F16.gguf",
  "imatrix-Q4_0.gguf",
];

describe("a quantization", () => {
  it.each([
    ["Q4_0", ["LFM2-8B-A1B-Q4_0.gguf"]],
    ["q4_k_m", ["LFM2-8B-A1B-Q4_K_M.gguf"]],
    ["F16", ["LFM2-8B-A1B-F16.gguf"]],
  ])("%s picks the file of its name", (quant, files) => {
    expect(pickFiles({ ...name, quant }, ggufs)).toEqual({ file: files[0], files });
  });

  it("picks all parts of a split file, in order", () => {
    const { file, files } = pickFiles({ ...name, quant: "UD-Q2_K_XL" }, ggufs);
    expect(files).toEqual([1, 2].map((i) => `UD-Q2_K_XL/LFM2-8B-A1B-UD-Q2_K_XL-0000${i}-of-00002.gguf`));
    expect(file).toBe(files[0]);
  });

  it("is found in the folder's name, too, or anywhere as llama.cpp finds it", () => {
    expect(pickFiles({ ...name, quant: "Q8_0" }, ["Q8_0/model.gguf", "F16/model.gguf"]).file).toBe("Q8_0/model.gguf");
    expect(pickFiles({ ...name, quant: "Q4_0" }, ["m-Q4_0-imat.gguf", "m-F16.gguf"]).file).toBe("m-Q4_0-imat.gguf");
  });

  it("that there is not, is refused with those that there are", () => {
    expect(() => pickFiles({ ...name, quant: "Q5_K_M" }, ggufs)).toThrow(
      "hf:o/r:Q5_K_M: expected one model of Q5_K_M, found hf:o/r/LFM2-8B-A1B-F16.gguf, hf:o/r/LFM2-8B-A1B-Q4_0.gguf",
    );
  });

  it("of two files is refused with both", () => {
    expect(() => pickFiles({ ...name, quant: "Q4_0" }, ["a-Q4_0.gguf", "b-Q4_0.gguf", "c-F16.gguf"])).toThrow(
      "expected one model of Q4_0, found hf:o/r/a-Q4_0.gguf, hf:o/r/b-Q4_0.gguf. Name one of them.",
    );
  });
});

describe("no quantization", () => {
  it("means the only GGUF file", () => {
    expect(pickFiles(name, ["a/only.gguf", "mmproj-F16.gguf"])).toEqual({
      file: "a/only.gguf",
      files: ["a/only.gguf"],
    });
  });

  it("means the folder, where there are safetensors and a config", () => {
    const paths = [
      "config.json",
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "x.gguf",
      "LICENSE",
    ];
    expect(pickFiles(name, paths)).toEqual({ files: paths.slice(0, 3) });
  });

  it("of several GGUF files is refused with a name for each", () => {
    expect(() => pickFiles({ ...name, revision: "v1" }, ggufs)).toThrow(
      "hf:o/r@v1: expected one model, found hf:o/r:F16@v1, hf:o/r:Q4_0@v1, hf:o/r:Q4_K_M@v1, hf:o/r:UD-Q2_K_XL@v1. Name one",
    );
  });

  it("of a repository without a model is refused with its files", () => {
    expect(() => pickFiles(name, ["README.md", "pytorch_model.bin"])).toThrow(
      "expected a model in GGUF or safetensors files, found README.md, pytorch_model.bin.",
    );
  });
});

describe("a path", () => {
  it("means that file, and the others of a split one", () => {
    expect(pickFiles({ ...name, path: "LFM2-8B-A1B-Q4_0.gguf" }, ggufs).files).toEqual(["LFM2-8B-A1B-Q4_0.gguf"]);
    expect(
      pickFiles({ ...name, path: "a-00001-of-00002.gguf" }, ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]).files
        .length,
    ).toBe(2);
  });

  it("that there is not, is refused", () => {
    expect(() => pickFiles({ ...name, path: "no.gguf" }, ggufs)).toThrow(/expected a file no\.gguf, found hf:o\/r:F16/);
  });
});
