import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isGguf, placeTensors, readGgufHeader } from "../../../src/formats/gguf/gguf.ts";
import { decodeStrings, type GgufStrings } from "../../../src/formats/gguf/strings.ts";
import type { GgufValue } from "../../../src/formats/gguf/value.ts";
import { scalar, strings } from "../../../src/formats/gguf/write.ts";
import { blobSource } from "../../../src/sources/blob.ts";
import { openFile } from "../../../src/sources/disk.ts";
import type { ByteSource } from "../../../src/sources/source.ts";
import { goldenFolder } from "../golden-files.ts";
import { tinyGguf, tinyMetadata, tinyTensors } from "../tiny-model.ts";
import { writeGguf } from "./gguf-writer.ts";

const source = (bytes: Uint8Array<ArrayBuffer>) => blobSource("m.gguf", bytes);

async function roundTrip(value: GgufValue): Promise<GgufValue | undefined> {
  const { metadata } = await readGgufHeader(source(writeGguf([["key", value]], [])));
  return metadata.get("key");
}

/** Counts the bytes a source is asked for. */
function counted(bytes: Uint8Array<ArrayBuffer>): { source: ByteSource; reads: [number, number][] } {
  const inner = source(bytes);
  const reads: [number, number][] = [];
  const read: ByteSource["read"] = (offset, length, signal) => {
    reads.push([offset, length]);
    return inner.read(offset, length, signal);
  };
  return { source: { ...inner, descriptor: inner.descriptor, read }, reads };
}

describe("readGgufHeader", () => {
  it("reads every type of value as it was written", async () => {
    const values: GgufValue[] = [
      scalar("u8", 255),
      scalar("i8", -128),
      scalar("u16", 65535),
      scalar("i16", -32768),
      scalar("u32", 4294967295),
      scalar("i32", -2147483648),
      scalar("f32", 0.25),
      scalar("bool", true),
      scalar("bool", false),
      scalar("str", "naïve 😀 \0"),
      scalar("u64", 9007199254740991),
      scalar("u64", 18446744073709551615n),
      scalar("i64", -9007199254740991),
      scalar("i64", -9223372036854775808n),
      scalar("f64", 0.1),
      strings(["", "a", "ä"]),
      { type: "arr", items: "bool", value: [true, false] },
      { type: "arr", items: "u64", value: [1, 18446744073709551615n] },
      { type: "arr", items: "i32", value: Int32Array.of(-1, 2) },
      { type: "arr", items: "u8", value: Uint8Array.of(1, 2, 3) },
      { type: "arr", items: "f32", value: Float32Array.of(0.1) },
      { type: "arr", items: "f64", value: Float64Array.of(0.1) },
      strings([]),
    ];
    for (const value of values) expect(await roundTrip(value)).toEqual(value);
  });

  it("gives an f32 as the decimal its author wrote", async () => {
    for (const number of [1e-5, 0.2, 1.05, 1e6, 0.15, 3.4e38, 1e-45, 0, -0.1, 1 / 3, 16777217]) {
      const read = (await roundTrip(scalar("f32", number)))?.value as number;
      expect(Math.fround(read)).toBe(Math.fround(number));
      expect(String(read).length).toBeLessThanOrEqual(String(Math.fround(number)).length);
    }
    expect((await roundTrip(scalar("f32", 1e-5)))?.value).toBe(1e-5);
    expect((await roundTrip(scalar("f32", Number.POSITIVE_INFINITY)))?.value).toBe(Number.POSITIVE_INFINITY);
    expect((await roundTrip(scalar("f32", Number.NaN)))?.value).toBeNaN();
  });

  it("keeps a byte order mark at the beginning of a text", async () => {
    expect((await roundTrip(scalar("str", "\ufeffx")))?.value).toBe("\ufeffx");
  });

  it("gives shapes row-major, and the tensors' places", async () => {
    const header = await readGgufHeader(source(tinyGguf()));
    const taps = header.entries.find(({ name }) => name === "blk.0.shortconv.conv.weight");
    expect(taps?.shape).toEqual([32, 3]);
    expect(header.dataOffset % 32).toBe(0);
    const placed = placeTensors(source(tinyGguf()), header);
    for (const [i, { data }] of tinyTensors().entries()) {
      const { offset, bytes } = placed[i];
      expect(tinyGguf().slice(offset, offset + bytes)).toEqual(data);
    }
  });

  it("reads version 2, which differs from 3 in nothing a little-endian file shows", async () => {
    const two = writeGguf(tinyMetadata(), tinyTensors(), { version: 2 });
    const header = await readGgufHeader(source(two));
    expect(header.version).toBe(2);
    expect(header.entries).toEqual((await readGgufHeader(source(tinyGguf()))).entries);
  });

  it("follows general.alignment", async () => {
    for (const alignment of [1, 8, 64, 65536]) {
      const metadata = tinyMetadata().set("general.alignment", scalar("u32", alignment));
      const bytes = writeGguf(metadata, tinyTensors(), { alignment });
      const header = await readGgufHeader(source(bytes));
      expect(header.alignment).toBe(alignment);
      const { offset, bytes: length } = placeTensors(source(bytes), header).at(-1)!;
      expect(bytes.slice(offset, offset + length)).toEqual(tinyTensors().at(-1)!.data);
    }
  });

  it("reads a header of several megabytes in doubling pieces, each byte once", async () => {
    const tokens = Array.from({ length: 128_000 }, (_, i) => `Ġtoken${i}`);
    const metadata = tinyMetadata().set("tokenizer.ggml.tokens", strings(tokens));
    const { source: asked, reads } = counted(writeGguf(metadata, tinyTensors()));
    const header = await readGgufHeader(asked);
    const read = header.metadata.get("tokenizer.ggml.tokens")?.value as GgufStrings;
    expect(decodeStrings(read, "tokens")).toEqual(tokens);
    expect(header.entries).toHaveLength(tinyTensors().length);
    const MiB = 2 ** 20;
    expect(reads).toEqual([
      [0, MiB],
      [MiB, MiB],
      [2 * MiB, asked.size - 2 * MiB],
    ]);
  });

  it("asks for no more than a small file has", async () => {
    const { source: asked, reads } = counted(tinyGguf());
    await readGgufHeader(asked);
    expect(reads).toEqual([[0, asked.size]]);
  });

  it("reads the golden files of every block format", async () => {
    const formats = ["Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0"];
    for (const name of [...formats, "IQ4_NL", "IQ4_XS", "MXFP4"]) {
      const file = await openFile(join(goldenFolder, `gguf/${name}.gguf`));
      const header = await readGgufHeader(file);
      expect(header.metadata.get("general.name")?.value).toBe(`golden ${name}`);
      const placed = placeTensors(file, header);
      expect(new Set(placed.map(({ format }) => format))).toEqual(new Set(["F32", name]));
      const last = placed.at(-1)!;
      expect(file.size - last.offset - last.bytes).toBeLessThan(32);
      await file.close();
    }
  });
});

describe("isGguf", () => {
  it("looks at the first four bytes", async () => {
    expect(await isGguf(source(tinyGguf()))).toBe(true);
    expect(await isGguf(source(new TextEncoder().encode("GGUg")))).toBe(false);
    expect(await isGguf(source(new Uint8Array(3)))).toBe(false);
  });
});
