import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Dtype,
  loadFloats,
  loadTensor,
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../../src/formats/hf/safetensors.ts";
import { blobSource } from "../../../src/sources/blob.ts";
import { goldenFolder } from "../golden-files.ts";

const source = (bytes: Uint8Array<ArrayBuffer>) => blobSource("m.safetensors", bytes);

function entries(...list: [string, TensorToWrite][]): Map<string, TensorToWrite> {
  return new Map(list);
}

describe("safetensors", () => {
  it("come back as they were written, whatever their types and order", async () => {
    const data: [Dtype, ArrayBufferView][] = [
      ["BOOL", Uint8Array.of(0, 1)],
      ["U8", Uint8Array.of(255, 1)],
      ["I8", Int8Array.of(-128, 1)],
      ["U16", Uint16Array.of(65535, 1)],
      ["I16", Int16Array.of(-32768, 1)],
      ["U32", Uint32Array.of(4294967295, 1)],
      ["I32", Int32Array.of(-2147483648, 1)],
      ["F32", Float32Array.of(0.1, -0)],
      ["U64", BigUint64Array.of(18446744073709551615n, 1n)],
      ["I64", BigInt64Array.of(-9223372036854775808n, 1n)],
      ["F64", Float64Array.of(0.1, Number.MAX_VALUE)],
    ];
    const tensors = new Map<string, TensorToWrite>(
      data.map(([dtype, view], i) => [`t${i}`, { dtype, shape: [2, 1], data: view }]),
    );
    const file = source(writeSafetensors(tensors, new Map([["made_by", 'a "test"']])));
    const read = await readSafetensors(file);
    expect(read.metadata).toEqual(new Map([["made_by", 'a "test"']]));
    for (const [i, [dtype, view]] of data.entries()) {
      const tensor = read.tensors.get(`t${i}`)!;
      expect([tensor.dtype, tensor.shape]).toEqual([dtype, [2, 1]]);
      expect(await loadTensor(file, tensor)).toEqual(view);
    }
  });

  it("come back under a name that JavaScript has a use for", async () => {
    const data = Float32Array.of(1, 2);
    const file = source(writeSafetensors(new Map([["__proto__", { dtype: "F32", shape: [2], data }]])));
    const { tensors } = await readSafetensors(file);
    expect(await loadTensor(file, tensors.get("__proto__")!)).toEqual(data);
  });

  it("come back for any names, sizes and metadata", async () => {
    const name = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => text !== "__metadata__");
    const tensor = fc.tuple(name, fc.array(fc.float(), { maxLength: 5 }));
    const files = fc.uniqueArray(tensor, { maxLength: 6, selector: ([key]) => key });
    await fc.assert(
      fc.asyncProperty(files, async (numbers) => {
        const all = numbers.map(([key, list]): [string, TensorToWrite] => [
          key,
          { dtype: "F32", shape: [list.length], data: Float32Array.from(list) },
        ]);
        const file = source(writeSafetensors(new Map(all)));
        const { tensors } = await readSafetensors(file);
        expect(tensors.size).toBe(all.length);
        for (const [key, { data }] of all) expect(await loadTensor(file, tensors.get(key)!)).toEqual(data);
      }),
    );
  });

  it("are laid out byte for byte as Hugging Face's writer does", async () => {
    for (const name of ["gguf/F32", "transformers/moe-small/len17", "transformers/dense-small/len3"]) {
      const bytes = new Uint8Array(await readFile(join(goldenFolder, `${name}.safetensors`)));
      const file = source(bytes);
      const { tensors, metadata } = await readSafetensors(file);
      const again: [string, TensorToWrite][] = [];
      for (const [key, tensor] of tensors) {
        again.push([key, { dtype: tensor.dtype, shape: tensor.shape, data: await loadTensor(file, tensor) }]);
      }
      expect(writeSafetensors(new Map(again.reverse()), metadata)).toEqual(bytes);
    }
  });

  it("of 16 bits are loaded as float32", async () => {
    const tensors = entries(
      ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
      ["brain", { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) }],
    );
    const file = source(writeSafetensors(tensors));
    const read = await readSafetensors(file);
    for (const name of ["half", "brain"]) {
      expect(await loadFloats(file, read.tensors.get(name)!)).toEqual(Float32Array.of(1, -2));
    }
  });

  it("of integers are not loaded as float32", async () => {
    const file = source(writeSafetensors(entries(["ids", { dtype: "I64", shape: [1], data: BigInt64Array.of(1n) }])));
    const { tensors } = await readSafetensors(file);
    await expect(loadFloats(file, tensors.get("ids")!)).rejects.toThrow(
      "m.safetensors: expected a tensor of F32, F16 or BF16, found I64. Convert the tensor to one of these types.",
    );
  });

  it("may hold scalars and empty tensors", async () => {
    const tensors = entries(
      ["scalar", { dtype: "F32", shape: [], data: Float32Array.of(3) }],
      ["empty", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
    );
    const file = source(writeSafetensors(tensors));
    const read = await readSafetensors(file);
    expect(await loadTensor(file, read.tensors.get("scalar")!)).toEqual(Float32Array.of(3));
    expect(await loadTensor(file, read.tensors.get("empty")!)).toEqual(new Float32Array(0));
  });
});
