// Which bytes of a model its hash is of.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hashModel } from "../../src/oracle/trace/model-hash.ts";
import type { ByteSource } from "../../src/sources/source.ts";

/** Byte i of a file of any size is a function of i. */
function madeUp(size: number): ByteSource & { readonly bytesRead: () => number } {
  let total = 0;
  return {
    name: "made up",
    size,
    descriptor: { kind: "blob", name: "", blob: new Blob() },
    verify: async () => {},
    bytesRead: () => total,
    async read(offset, length) {
      if (offset < 0 || offset + length > size) throw new RangeError(`${offset} + ${length} of ${size}`);
      total += length;
      return Uint8Array.from({ length }, (_, i) => (offset + i) % 251);
    },
    close: async () => {},
  };
}

describe("the hash of a model", () => {
  it("is that of its bytes, file after file, as sha256sum gives it", async () => {
    const sizes = [1000, 0, 77];
    const expected = createHash("sha256");
    for (const size of sizes) expected.update(await madeUp(size).read(0, size));
    const found = await hashModel(sizes.map(madeUp));
    expect(found).toEqual({ sha256: expected.digest("hex"), sha256Of: "files" });
  });

  it("takes 4 MiB of a file of any size, from its first byte to its last", async () => {
    const size = 5_000_000_001;
    const file = madeUp(size);
    const found = await hashModel([file]);
    expect(found.sha256Of).toBe("samples");
    expect(file.bytesRead()).toBe(4 * 2 ** 20);
    const expected = createHash("sha256");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(size));
    expected.update(length);
    for (let i = 0; i < 64; i++) {
      expected.update(await madeUp(size).read(Math.floor((i * (size - 65536)) / 63), 65536));
    }
    expect(found.sha256).toBe(expected.digest("hex"));
    expect((await hashModel([madeUp(size + 1)])).sha256).not.toBe(found.sha256);
  });
});
