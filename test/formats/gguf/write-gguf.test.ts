// GGUF written as a stream: gguf-py's bytes, tensor by tensor, never more than a piece at a time.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { placeTensors, readGgufHeader } from "../../../src/formats/gguf/gguf.ts";
import { encodeGgufHeader, integers, scalar, strings, writeGguf } from "../../../src/formats/gguf/write.ts";
import type { StreamedTensor } from "../../../src/formats/streamed-tensor.ts";
import { blobSource } from "../../../src/sources/blob.ts";
import { openFile } from "../../../src/sources/disk.ts";
import { goldenFolder } from "../golden-files.ts";
import { tinyMetadata, tinyTensors } from "../tiny-model.ts";

/** A sink that keeps copies, for pieces may be overwritten. */
function collector() {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    sink: async (bytes: Uint8Array) => {
      pieces.push(bytes.slice());
    },
    file: async () => new Uint8Array(await new Blob(pieces).arrayBuffer()),
    pieces,
  };
}

function f32(name: string, ...pieces: number[][]): StreamedTensor {
  return {
    name,
    shape: [pieces.flat().length],
    format: "F32",
    *pieces() {
      for (const piece of pieces) yield new Uint8Array(Float32Array.from(piece).buffer);
    },
  };
}

const metadata = new Map([["general.architecture", scalar("str", "lfm2moe")]]);

describe("writing GGUF", () => {
  it("gives gguf-py's header for what was read from one", async () => {
    const path = join(goldenFolder, "nano/lfm2-nano-Q4_0.gguf");
    const source = await openFile(path);
    const { metadata, entries, alignment, dataOffset } = await readGgufHeader(source);
    await source.close();
    const header = encodeGgufHeader(metadata, entries, alignment);
    expect(header.length).toBe(dataOffset);
    expect(Buffer.compare(header, (await readFile(path)).subarray(0, dataOffset))).toBe(0);
  });

  it("keeps values of every type", async () => {
    const values = new Map([
      ["u8", scalar("u8", 255)],
      ["i8", scalar("i8", -128)],
      ["u16", scalar("u16", 65535)],
      ["i16", scalar("i16", -2)],
      ["u32", scalar("u32", 2 ** 32 - 1)],
      ["i32", scalar("i32", -3)],
      ["f32", scalar("f32", 0.1)],
      ["f64", scalar("f64", 0.1)],
      ["u64", scalar("u64", 2n ** 64n - 1n)],
      ["i64", scalar("i64", -5)],
      ["bool", scalar("bool", true)],
      ["str", scalar("str", "naïve 😀\0")],
      ["strings", strings(["", "a"])],
    ]);
    const out = collector();
    await writeGguf(out.sink, values, []);
    const read = await readGgufHeader(blobSource("file", new Blob([await out.file()])));
    expect(read.metadata).toEqual(values);
  });

  it("aligns every tensor, as the metadata says", async () => {
    const aligned = new Map([...metadata, ["general.alignment", scalar("u32", 64)] as const]);
    const out = collector();
    const bytes = await writeGguf(out.sink, aligned, [f32("a", [1]), f32("b", [2, 3], [4])]);
    const file = await out.file();
    expect(bytes).toBe(file.length);
    const source = blobSource("file", new Blob([file]));
    const tensors = placeTensors(source, await readGgufHeader(source));
    expect(tensors.map(({ name, shape, offset }) => [name, shape, offset % 64])).toEqual([
      ["a", [1], 0],
      ["b", [3], 0],
    ]);
    expect(new Float32Array(file.buffer.slice(tensors[1].offset, tensors[1].offset + 12))).toEqual(
      Float32Array.of(2, 3, 4),
    );
  });

  it("asks for a piece only when the one before has been taken", async () => {
    const order: string[] = [];
    const tensor: StreamedTensor = {
      ...f32("a", [1], [2]),
      *pieces() {
        for (const number of [1, 2]) {
          order.push(`make ${number}`);
          yield new Uint8Array(4);
        }
      },
    };
    await writeGguf(
      async (bytes) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (bytes.length === 4) order.push("taken");
      },
      metadata,
      [tensor],
    );
    expect(order).toEqual(["make 1", "taken", "make 2", "taken"]);
  });

  it("refuses pieces that are not the tensor", async () => {
    const wrong = { ...f32("a", [1], [2]), shape: [3] };
    await expect(writeGguf(async () => {}, metadata, [wrong])).rejects.toThrow("a: expected 12 bytes of F32, found 8.");
  });

  it("stops when its signal is aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const out = collector();
    const writing = writeGguf(
      async (bytes) => {
        await out.sink(bytes);
        controller.abort(reason);
      },
      metadata,
      [f32("a", [1], [2])],
      controller.signal,
    );
    await expect(writing).rejects.toBe(reason);
    expect(out.pieces).toHaveLength(1);
  });

  it("puts arrays of integers and tensors as the tests' own files have them", async () => {
    const out = collector();
    const tensors = tinyTensors().map(({ name, shape, ggmlType, data }): StreamedTensor => {
      return { name, shape: shape.map(Number), format: ggmlType === 0 ? "F32" : "Q8_0", pieces: () => [data] };
    });
    await writeGguf(out.sink, tinyMetadata(), tensors);
    const source = blobSource("file", new Blob([await out.file()]));
    const header = await readGgufHeader(source);
    expect(header.metadata.get("lfm2moe.attention.head_count_kv")).toEqual({
      ...integers([0, 1]),
      value: Int32Array.of(0, 1),
    });
    expect(placeTensors(source, header)).toHaveLength(tensors.length);
  });
});
