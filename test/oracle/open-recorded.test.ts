// What a trace directory or a file of tensors may look like, and what it may not.
import { describe, expect, it } from "vitest";
import { type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { openArrays } from "../../src/oracle/recorded/open-arrays.ts";
import { openTrace } from "../../src/oracle/recorded/open-trace.ts";
import { blobFolder, blobSource } from "../../src/sources/blob.ts";
import { npyFile } from "../formats/npz-writer.ts";

const file = (tensors: Record<string, TensorToWrite>) =>
  blobSource("a.safetensors", writeSafetensors(new Map(Object.entries(tensors))));
const f32 = (shape: number[], data: number[]): TensorToWrite => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(data),
});

const layer = "model.layers.0";
const point = { name: layer, file: "t.safetensors", tensor: "x", shape: [2, 2], dtype: "F32", kind: "tensor" };
const manifest = {
  format: "lfm2-trace",
  version: 1,
  model: { name: "small", config: { num_experts: 4 } },
  run: { backend: "wasm", mode: "exact", kvType: "f32" },
  ids: [1, 2, 3],
  positions: { from: 1, to: 3 },
  points: [point],
};

function trace(changes: object, tensors = { x: f32([2, 2], [1, 2, 3, 4]) }) {
  const files = [
    { name: "trace.json", blob: new Blob([JSON.stringify({ ...manifest, ...changes })]) },
    { name: "t.safetensors", blob: new Blob([writeSafetensors(new Map(Object.entries(tensors))) as BlobPart]) },
  ];
  return openTrace(blobFolder("dir", files));
}

describe("a trace directory", () => {
  it("tells its points in order, its ids, its first position, and what it says of the run", async () => {
    const run = await trace({});
    expect([...run.points.keys()]).toEqual([layer]);
    expect(run).toMatchObject({ name: "dir", isOrdered: true, ids: [1, 2, 3], start: 1 });
    expect(run.about).toEqual({
      config: { num_experts: 4 },
      model: "small",
      backend: "wasm",
      mode: "exact",
      kvType: "f32",
    });
    expect(await run.points.get(layer)?.read(1, 1)).toEqual(Float32Array.of(3, 4));
  });

  const refusals: readonly [what: string, changes: object, message: string][] = [
    [
      "another format",
      { format: "else" },
      'dir, trace.json: expected format "lfm2-trace" version 1, found "else" version 1',
    ],
    ["a later version", { version: 2 }, 'found "lfm2-trace" version 2'],
    ["no points", { points: 3 }, "dir, trace.json, points: expected a list, found 3"],
    ["a point without a file", { points: [{ ...point, file: 1 }] }, "points[0]: expected name, file, tensor and kind"],
    [
      "a point of an unknown kind",
      { points: [{ ...point, kind: "other" }] },
      "points[0]: expected name, file, tensor and kind",
    ],
    [
      "a file that is not there",
      { points: [{ ...point, file: "no" }] },
      'expected "no", which trace.json names, found no such file',
    ],
    ["a file outside", { points: [{ ...point, file: "../x" }] }, "expected a file name without folders"],
    [
      "a tensor that is not there",
      { points: [{ ...point, tensor: "y" }] },
      "t.safetensors, y: expected a tensor of this name, found none",
    ],
    ["a name twice", { points: [point, point] }, 'points[1]: expected one point "model.layers.0", found two'],
    ["ids that are none", { ids: ["1"] }, "ids: expected a list of token ids"],
    ["positions that are none", { positions: { from: -1 } }, "positions: expected { from, to }"],
  ];
  it.each(refusals)("is refused with %s", async (_, changes, message) => {
    await expect(trace(changes)).rejects.toThrow(message);
  });

  it("without trace.json is refused", async () => {
    await expect(openTrace(blobFolder("dir", []))).rejects.toThrow("dir: expected trace.json, found no such file");
  });
});

describe("a file of tensors", () => {
  it("loses a batch axis, joins the axes after the positions, and takes one row for a position", async () => {
    const numbers = Array.from({ length: 12 }, (_, i) => i);
    const shapes = [
      [[1, 2, 6], 2, 6],
      [[1, 2, 3, 2], 2, 6],
      [[2, 3, 2], 2, 6],
      [[12], 1, 12],
      [[1, 12], 1, 12],
      [[1, 1, 12], 1, 12],
    ] as const;
    for (const [shape, rows, cols] of shapes) {
      const { points } = await openArrays(file({ [layer]: f32([...shape], numbers) }));
      expect(points.get(layer)).toMatchObject({ rows, cols });
    }
  });

  it("reads bfloat16 and half numbers, and 64-bit ids", async () => {
    const run = await openArrays(
      file({
        [layer]: { dtype: "BF16", shape: [1, 2], data: Uint16Array.of(0x3f80, 0xc000) },
        "model.layers.1": { dtype: "F16", shape: [1, 2], data: Uint16Array.of(0x3c00, 0xc000) },
        "model.layers.1.feed_forward.gate.experts": { dtype: "I64", shape: [1, 2], data: BigInt64Array.of(3n, 1n) },
        input_ids: { dtype: "I64", shape: [1, 3], data: BigInt64Array.of(1n, 5n, 6n) },
      }),
    );
    for (const name of [layer, "model.layers.1"]) {
      expect(await run.points.get(name)?.read(0, 1)).toEqual(Float32Array.of(1, -2));
    }
    const experts = run.points.get("model.layers.1.feed_forward.gate.experts");
    expect(experts?.kind).toBe("ids");
    expect(await experts?.read(0, 1)).toEqual(Int32Array.of(3, 1));
    expect(run.ids).toEqual([1, 5, 6]);
  });

  it("prefers our name to a module inside that gives the same", async () => {
    const inner = { [`${layer}.conv.out_proj`]: f32([1, 1], [7]), [`${layer}.conv`]: f32([1, 1], [8]) };
    for (const tensors of [inner, Object.fromEntries(Object.entries(inner).reverse())]) {
      const { points } = await openArrays(file(tensors));
      expect(await points.get(`${layer}.conv`)?.read(0, 1)).toEqual(Float32Array.of(8));
    }
  });

  it("leaves out what its mask calls padding, and takes no mask that keeps nothing", async () => {
    const rows = (mask: number[]) =>
      openArrays(
        file({
          [layer]: f32([3, 1], [7, 8, 9]),
          input_ids: { dtype: "I64", shape: [1, 3], data: BigInt64Array.of(0n, 5n, 6n) },
          attention_mask: { dtype: "I64", shape: [1, 3], data: BigInt64Array.from(mask, BigInt) },
        }),
      );
    const padded = await rows([0, 1, 1]);
    expect([padded.ids, padded.points.get(layer)?.rows]).toEqual([[5, 6], 2]);
    expect(await padded.points.get(layer)?.read(0, 2)).toEqual(Float32Array.of(8, 9));
    const nothing = await rows([0, 0, 0]);
    expect([nothing.ids, nothing.points.get(layer)?.rows]).toEqual([[0, 5, 6], 3]);
  });

  it("reads a .npy and raw float32 numbers under their file's name, or as logits", async () => {
    const raw = (name: string) => openArrays(blobSource(name, new Uint8Array(Float32Array.of(1, 2, 3).buffer)));
    expect([...(await raw("dumps/model.layers.3.bin")).points.keys()]).toEqual(["model.layers.3"]);
    expect([...(await raw("llamacpp-LFM2-350M-embeddings.bin")).points.keys()]).toEqual(["model.embedding_norm"]);
    const logits = (await raw("run-7.bin")).points.get("lm_head");
    expect(await logits?.read(0, 1)).toEqual(Float32Array.of(1, 2, 3));
    const npy = npyFile("<f2", "(1, 2)", Uint16Array.of(0x3c00, 0xc000));
    const half = await openArrays(blobSource("model.layers.1.npy", npy));
    expect([...half.points.keys(), half.stored]).toEqual(["model.layers.1", "f16"]);
    expect(await half.points.get("model.layers.1")?.read(0, 1)).toEqual(Float32Array.of(1, -2));
    const cut = openArrays(blobSource("a.bin", Uint8Array.of(1, 2, 3)));
    await expect(cut).rejects.toThrow("a.bin: expected float32 numbers, 4 bytes each, found 3 bytes");
  });

  it("with ids that are no ids is refused", async () => {
    const wrong = { input_ids: f32([2], [1.5, 2]) };
    await expect(openArrays(file(wrong))).rejects.toThrow("input_ids: expected ids: integers from 0, found 1.5");
    await expect(openArrays(file(wrong))).rejects.toThrow(FormatError);
    await expect(openArrays(file({ [layer]: f32([0, 4], []) }))).rejects.toThrow("expected [positions, at most");
  });
});
