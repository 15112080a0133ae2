// .npz files as numpy writes them, whole and damaged.
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNpz } from "../../src/formats/npz.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { blobSource } from "../../src/sources/blob.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { npyFile, npzFile } from "./npz-writer.ts";

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64"));
const arrays = (bytes: Uint8Array<ArrayBuffer>) => readNpz(blobSource("a.npz", bytes));

async function all(bytes: Uint8Array<ArrayBuffer>) {
  const found: Record<string, { shape: readonly number[]; data: number[] }> = {};
  for (const { name, shape, read } of await arrays(bytes)) {
    const count = shape.reduce((a, b) => a * b, 1);
    found[name] = { shape, data: Array.from((await read(0, count)) as ArrayLike<number>, Number) };
  }
  return found;
}

// numpy 2.4.6: savez and savez_compressed of the arrays below, in base64. Headers are mostly spaces.
const SAVEZ =
  "UEsDBC0AAAAAAAAAIQBUgFVW//////////8FABQAZi5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNCcsICdm" +
  "b3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg" +
  "ICAgICAgICAgICAgICAKAAAAAAAAwD8AABDAAABAQAAAgEAAAKBAUEsDBC0AAAAAAAAAIQBgck/h//////////8FABQAaC5ucHkBABAAhgAAAAAA" +
  "AACGAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmMicsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCksIH0gICAgICAg" +
  "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKADwAuP97UEsDBC0AAAAAAAAAIQA601VZ////////" +
  "//8FABQAZC5ucHkBABAAkAAAAAAAAACQAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdz" +
  "aGFwZSc6ICgxLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKmpmZmZmZuT+c" +
  "dQCIPOQ3flBLAwQtAAAAAAAAACEAzLu4JP//////////BQAUAGkubnB5AQAQAIgAAAAAAAAAiAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8" +
  "aTQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg" +
  "ICAgICAgICAgICAgICAgICAgICAgCvn///////9/UEsDBC0AAAAAAAAAIQCdcr+N//////////8FABQAbC5ucHkBABAAkAAAAAAAAACQAAAAAAAA" +
  "AJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAxKSwgfSAgICAgICAgICAgICAg" +
  "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAQAAAAAAAAD///////8fAFBLAQItAy0AAAAAAAAAIQBUgFVWmAAA" +
  "AJgAAAAFAAAAAAAAAAAAAACAAQAAAABmLm5weVBLAQItAy0AAAAAAAAAIQBgck/hhgAAAIYAAAAFAAAAAAAAAAAAAACAAc8AAABoLm5weVBLAQIt" +
  "Ay0AAAAAAAAAIQA601VZkAAAAJAAAAAFAAAAAAAAAAAAAACAAYwBAABkLm5weVBLAQItAy0AAAAAAAAAIQDMu7gkiAAAAIgAAAAFAAAAAAAAAAAA" +
  "AACAAVMCAABpLm5weVBLAQItAy0AAAAAAAAAIQCdcr+NkAAAAJAAAAAFAAAAAAAAAAAAAACAARIDAABsLm5weVBLBQYAAAAABQAFAP8AAADZAwAA" +
  "AAA=";
const SAVEZ_COMPRESSED =
  "UEsDBC0AAAAIAAAAIQBUgFVW//////////8FABQAZi5ucHkBABAAmAAAAAAAAABaAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Ce" +
  "ll9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwOGDPwCBwgIHBwYGBoQGIFzgAAFBLAwQtAAAACAAAACEAYHJP4f//////" +
  "////BQAUAGgubnB5AQAQAIYAAAAAAAAASgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2akrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ck" +
  "FqQC+RrGOpo6CrUKFAAuBhuGHf+rAVBLAwQtAAAACAAAACEAOtNVWf//////////BQAUAGQubnB5AQAQAJAAAAAAAAAAVAAAAAAAAACb7BfqGxDJ" +
  "yFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpGmjoKtQpkA65ZM0Fgp/2cUoYOmyfmdQBQSwMELQAA" +
  "AAgAAAAhAMy7uCT//////////wUAFABpLm5weQEAEACIAAAAAAAAAEkAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoq6joJ6WX1RSlJgX" +
  "n1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQArp//waAeAFBLAwQtAAAACAAAACEAnXK/jf//////////BQAUAGwubnB5AQAQAJAAAAAAAAAA" +
  "TgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgqGmjoKtQpkAy5GBgj4Dwby" +
  "DABQSwECLQMtAAAACAAAACEAVIBVVloAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAAZi5ucHlQSwECLQMtAAAACAAAACEAYHJP4UoAAACGAAAABQAA" +
  "AAAAAAAAAAAAgAGRAAAAaC5ucHlQSwECLQMtAAAACAAAACEAOtNVWVQAAACQAAAABQAAAAAAAAAAAAAAgAESAQAAZC5ucHlQSwECLQMtAAAACAAA" +
  "ACEAzLu4JEkAAACIAAAABQAAAAAAAAAAAAAAgAGdAQAAaS5ucHlQSwECLQMtAAAACAAAACEAnXK/jU4AAACQAAAABQAAAAAAAAAAAAAAgAEdAgAA" +
  "bC5ucHlQSwUGAAAAAAUABQD/AAAAogIAAAAA";

const want = {
  f: { shape: [2, 3], data: [0, 1.5, -2.25, 3, 4, 5] },
  h: { shape: [3], data: [1, -0.5, 65504] },
  d: { shape: [1, 2], data: [0.1, 1e300] },
  i: { shape: [2], data: [-7, 2147483647] },
  l: { shape: [2, 1], data: [1, 9007199254740991] },
};

describe(".npz", () => {
  it.each([
    ["savez", SAVEZ],
    ["savez_compressed", SAVEZ_COMPRESSED],
  ])("has the numbers of numpy.%s", async (_, text) => {
    expect(await all(bytesOf(text))).toEqual(want);
  });

  it("is read in any order and any pieces, stored or deflated", async () => {
    const numbers = Float32Array.from({ length: 100_000 }, (_, i) => Math.fround(Math.sin(i)));
    const npy = npyFile("<f4", "(1000, 100)", numbers);
    for (const isDeflated of [false, true]) {
      const [{ read }] = await arrays(npzFile([{ name: "x.npy", bytes: npy }], isDeflated));
      await fc.assert(
        fc.asyncProperty(fc.nat(99_999), fc.nat(2000), async (from, count) => {
          const length = Math.min(count, 100_000 - from);
          expect(await read(from, length)).toEqual(numbers.slice(from, from + length));
        }),
        { numRuns: 20 },
      );
    }
  });

  const refusals: readonly [what: string, file: () => Uint8Array<ArrayBuffer>, message: RegExp][] = [
    [
      "Fortran order",
      () => one(npyFile("<f4", "(2,)", new Float32Array(2), "True")),
      /x\.npy: expected fortran_order False/,
    ],
    [
      "big-endian numbers",
      () => one(npyFile(">f4", "(2,)", new Float32Array(2))),
      /expected a dtype of <f2, .*found ">f4"/,
    ],
    ["objects", () => one(npyFile("|O", "(2,)", new Float32Array(2))), /expected a dtype/],
    ["another size than the shape says", () => one(npyFile("<f4", "(3,)", new Float32Array(2))), /expected 12 bytes/],
    ["a shape that is none", () => one(npyFile("<f4", "(a,)", new Float32Array(2))), /expected a shape/],
    [
      "another file in it",
      () => npzFile([{ name: "x.txt", bytes: new Uint8Array(3) }]),
      /x\.txt: expected files named \.npy/,
    ],
    ["no array", () => one(new Uint8Array(40)), /expected a \.npy array/],
    ["no archive", () => new Uint8Array(100), /expected a zip archive's end record/],
  ];
  it.each(refusals)("is refused by name: %s", async (_, file, message) => {
    await expect(arrays(file())).rejects.toThrow(message);
    await expect(arrays(file())).rejects.toThrow(FormatError);
  });

  it("is read at several places at once", async () => {
    const numbers = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
    const bytes = npzFile([{ name: "x.npy", bytes: npyFile("<f4", "(200000,)", numbers) }], true);
    const [array] = await readNpz(blobSource("a.npz", bytes));
    const found = await Promise.all([150_000, 0, 199_990, 70_000].map((from) => array.read(from, 10)));
    expect(found).toEqual([150_000, 0, 199_990, 70_000].map((from) => numbers.slice(from, from + 10)));
  });

  it("with damaged deflated data is refused", async () => {
    const bytes = npzFile([{ name: "x.npy", bytes: npyFile("<f4", "(50,)", new Float32Array(50)) }], true);
    bytes.fill(0xff, 35, 45); // behind a local record of 30 bytes and the name: a block of a type that is none
    await expect(arrays(bytes)).rejects.toThrow(
      /x\.npy: expected deflated data of the stated size, found damaged data/,
    );
  });

  it("never fails otherwise, whatever byte is wrong", async () => {
    for (const text of [SAVEZ, SAVEZ_COMPRESSED]) {
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.nat(255), fc.boolean(), async (at, value, isCut) => {
          const bytes = bytesOf(text);
          bytes[at % bytes.length] = value;
          const damaged = isCut ? bytes.slice(0, at % bytes.length) : bytes;
          await all(damaged).catch((error) => {
            if (!(error instanceof FormatError || error instanceof SourceError)) throw error;
          });
        }),
        { numRuns: 300 },
      );
    }
  });
});

function one(npy: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return npzFile([{ name: "x.npy", bytes: npy }]);
}
