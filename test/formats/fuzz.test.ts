// Whatever the bytes, a file either opens to tensors that lie within it, or is refused with this project's own errors.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockFormats, rowBytes } from "../../src/blocks/formats.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { widening } from "../../src/formats/part-bytes.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import type { Folder } from "../../src/sources/source.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { awkwardSizes } from "../fuzz/dice.ts";
import { folderOf, tinyConfig, tinyGguf, tinyHfTensors } from "./tiny-model.ts";

/** True when it opened; false when it was refused properly. */
async function opens(folder: Folder, fileName: string): Promise<boolean> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await openCheckpoint(folder, fileName);
  } catch (error) {
    if (error instanceof FormatError || error instanceof SourceError) return false;
    throw error;
  }
  for (const { format, shape, parts } of checkpoint.tensors.values()) {
    const bytes = parts.reduce((sum, part) => sum + part.bytes * widening({ format }, part), 0);
    const cols = shape[shape.length - 1];
    const rows = shape.slice(0, -1).reduce((product, axis) => product * axis, 1);
    expect(bytes).toBe(rows * rowBytes(blockFormats[format], cols));
    for (const { file, offset, bytes: length } of parts) {
      expect(offset >= 0 && offset + length <= checkpoint.files[file].size).toBe(true);
    }
  }
  return true;
}

const gguf = (bytes: Uint8Array<ArrayBuffer>) => opens(folderOf({ "m.gguf": bytes }), "m.gguf");
const config = JSON.stringify(tinyConfig);
const safetensors = (bytes: Uint8Array<ArrayBuffer>, configText = config) =>
  opens(folderOf({ "config.json": configText, "m.safetensors": bytes }), "m.safetensors");

const kinds = [
  { name: "GGUF", whole: tinyGguf(), open: gguf, headerBytes: 2500 },
  { name: "safetensors", whole: writeSafetensors(tinyHfTensors()), open: safetensors, headerBytes: 3200 },
];

for (const { name, whole, open, headerBytes } of kinds) {
  describe(`${name}, fuzzed`, () => {
    it("is refused when cut anywhere in its header, and at places in its data", async () => {
      for (let length = 0; length < whole.length; length += length < headerBytes ? 1 : 97) {
        expect([length, await open(whole.slice(0, length))]).toEqual([length, false]);
      }
      expect(await open(whole.slice())).toBe(true);
    });

    it("survives changed bytes in its header", async () => {
      const changes = fc.array(fc.tuple(fc.nat(headerBytes - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(changes, async (list) => {
          const bytes = whole.slice();
          for (const [at, value] of list) bytes[at] = value;
          await open(bytes);
        }),
        { numRuns: 2000 },
      );
    });

    it("survives awkward sizes anywhere in its header", async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(headerBytes - 8), fc.constantFrom(...awkwardSizes), async (at, size) => {
          const bytes = whole.slice();
          new DataView(bytes.buffer).setBigUint64(at, size, true);
          await open(bytes);
        }),
        { numRuns: 2000 },
      );
    });

    it("survives random bytes after its own first ones", async () => {
      const tails = fc.uint8Array({ maxLength: 300 });
      await fc.assert(
        fc.asyncProperty(fc.nat(200), tails, async (kept, tail) => {
          await open(Uint8Array.of(...whole.slice(0, kept), ...tail));
        }),
        { numRuns: 1000 },
      );
    });
  });
}

describe("safetensors, its JSON fuzzed", () => {
  const withHeader = (text: string) => {
    const header = new TextEncoder().encode(text);
    const bytes = new Uint8Array(8 + header.length + 16);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    return bytes;
  };

  it("survives any JSON as a header", async () => {
    await fc.assert(fc.asyncProperty(fc.json(), async (text) => void (await safetensors(withHeader(text)))));
  });

  it("survives any JSON in a tensor's entry", async () => {
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom("F32", "BF16"), fc.jsonValue()),
        shape: fc.jsonValue(),
        data_offsets: fc.oneof(fc.constant([0, 16]), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const shaped = fc.oneof(
      entry,
      fc.record({ dtype: fc.constant("F32"), shape: fc.array(fc.integer()), data_offsets: fc.array(fc.integer()) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), shaped), async (header) => {
        await safetensors(withHeader(JSON.stringify(header)));
      }),
    );
  });

  it("survives any config.json", async () => {
    const whole = writeSafetensors(tinyHfTensors());
    await fc.assert(fc.asyncProperty(fc.json(), async (text) => void (await safetensors(whole.slice(), text))));
  });
});
