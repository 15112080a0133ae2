// safetensors files no writer should make, each with the whole message that refuses it.
import { describe } from "vitest";
import { readSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { blobSource } from "../../../src/sources/blob.ts";
import { type BrokenFile, itRefuses } from "../broken-files.ts";

const DAMAGED = "The file is damaged or cut short; fetch it again.";
const CONVERT = "Convert the tensor to one of these types.";
const DTYPES = "numbers of F32, F16 or BF16";

function raw(headerBytes: number | bigint, header: string | Uint8Array, dataBytes = 0): Uint8Array<ArrayBuffer> {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, 8);
  return file;
}

function withHeader(header: unknown, dataBytes = 0): Uint8Array<ArrayBuffer> {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  return raw(new TextEncoder().encode(text).length, text, dataBytes);
}

const tensor = (begin: number, end: number) => ({ dtype: "U8", shape: [end - begin], data_offsets: [begin, end] });

const broken: readonly BrokenFile[] = [
  [
    "no bytes at all",
    new Uint8Array(0),
    `m: expected a safetensors file of at least 8 bytes, found 0 bytes. ${DAMAGED}`,
  ],
  ["seven bytes", new Uint8Array(7), `m: expected a safetensors file of at least 8 bytes, found 7 bytes. ${DAMAGED}`],
  [
    "a header longer than the file",
    raw(1000, "{}"),
    "m: expected a safetensors header of at most 2 bytes, found 1000. Name a whole safetensors file.",
  ],
  [
    "a header length of 64 bits",
    raw(2n ** 64n - 1n, "{}"),
    "m: expected a safetensors header of at most 2 bytes, found 18446744073709551615. Name a whole safetensors file.",
  ],
  [
    "a header that is no text",
    raw(2, Uint8Array.of(0xff, 0xfe)),
    `m, header: expected UTF-8 text, found bytes that are not UTF-8. ${DAMAGED}`,
  ],
  ["a header that is no JSON", withHeader("{a}"), `m, header: expected JSON, found text that is not JSON. ${DAMAGED}`],
  ["an empty header", raw(0, ""), `m, header: expected JSON, found text that is not JSON. ${DAMAGED}`],
  ["a header that is a list", withHeader("[]"), `m, header: expected a JSON object, found []. ${DAMAGED}`],
  ["a header that is a number", withHeader("1"), `m, header: expected a JSON object, found 1. ${DAMAGED}`],
  [
    "nesting without end",
    withHeader("[".repeat(1e6)),
    `m, header: expected JSON at most 64 deep, found deeper nesting. ${DAMAGED}`,
  ],
  [
    "lists without end",
    withHeader(`[${"[],".repeat(3e6)}[]]`),
    `m, header: expected JSON of at most 2097152 values, found more. ${DAMAGED}`,
  ],
  [
    "a header of numbers without end",
    withHeader(`{"t":[${"1,".repeat(3e6)}1]}`),
    `m, header: expected JSON of at most 2097152 values, found more. ${DAMAGED}`,
  ],
  [
    "a header of many megabytes",
    withHeader(`{"t":"${" ".repeat(1 << 24)}"}`),
    `m: expected a safetensors header of at most 16777216 bytes, found 16777224. Name a whole safetensors file.`,
  ],
  ["a tensor that is no object", withHeader({ t: 1 }), `m, t: expected ${DTYPES}, found nothing. ${CONVERT}`],
  [
    "no dtype",
    withHeader({ t: { shape: [1], data_offsets: [0, 1] } }),
    `m, t: expected ${DTYPES}, found nothing. ${CONVERT}`,
  ],
  [
    "an unknown dtype",
    withHeader({ t: { dtype: "F4", shape: [1], data_offsets: [0, 1] } }, 1),
    `m, t: expected ${DTYPES}, found "F4". ${CONVERT}`,
  ],
  [
    "a dtype named like a property of objects",
    withHeader({ t: { dtype: "toString", shape: [1], data_offsets: [0, 1] } }, 1),
    `m, t: expected ${DTYPES}, found "toString". ${CONVERT}`,
  ],
  [
    "no shape",
    withHeader({ t: { dtype: "U8", data_offsets: [0, 1] } }, 1),
    `m, t: expected a shape of up to 8 sizes, found nothing. ${DAMAGED}`,
  ],
  [
    "a negative size",
    withHeader({ t: { dtype: "U8", shape: [-1], data_offsets: [0, 1] } }, 1),
    `m, t: expected a shape of up to 8 sizes, found [-1]. ${DAMAGED}`,
  ],
  [
    "half a size",
    withHeader({ t: { dtype: "U8", shape: [1.5], data_offsets: [0, 1] } }, 1),
    `m, t: expected a shape of up to 8 sizes, found [1.5]. ${DAMAGED}`,
  ],
  [
    "a size beyond 2^53",
    withHeader({ t: { dtype: "U8", shape: [1e300], data_offsets: [0, 1] } }, 1),
    `m, t: expected a shape of up to 8 sizes, found [1e+300]. ${DAMAGED}`,
  ],
  [
    "nine dimensions",
    withHeader({ t: { dtype: "U8", shape: Array(9).fill(1), data_offsets: [0, 1] } }, 1),
    `m, t: expected a shape of up to 8 sizes, found [1,1,1,1,1,1,1,1,1]. ${DAMAGED}`,
  ],
  [
    "no offsets",
    withHeader({ t: { dtype: "U8", shape: [1] } }, 1),
    `m, t: expected two data_offsets, found nothing. ${DAMAGED}`,
  ],
  [
    "three offsets",
    withHeader({ t: { dtype: "U8", shape: [1], data_offsets: [0, 1, 2] } }, 1),
    `m, t: expected two data_offsets, found [0,1,2]. ${DAMAGED}`,
  ],
  [
    "offsets that are texts",
    withHeader({ t: { dtype: "U8", shape: [1], data_offsets: ["0", "1"] } }, 1),
    `m, t: expected two data_offsets, found ["0","1"]. ${DAMAGED}`,
  ],
  [
    "offsets in the wrong order",
    withHeader({ t: { dtype: "U8", shape: [1], data_offsets: [1, 0] } }, 1),
    `m, t: expected 1 bytes for U8 [1], found data_offsets 1 to 0. ${DAMAGED}`,
  ],
  [
    "a shape that does not fill its bytes",
    withHeader({ t: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, 4),
    `m, t: expected 8 bytes for F32 [2], found data_offsets 0 to 4. ${DAMAGED}`,
  ],
  [
    "a shape whose product is beyond 2^53",
    withHeader({ t: { dtype: "F32", shape: [2 ** 50, 2 ** 50], data_offsets: [0, 4] } }, 4),
    `m, t: expected 5.070602400912918e+30 bytes for F32 [1125899906842624, 1125899906842624], found data_offsets 0 to 4. ${DAMAGED}`,
  ],
  [
    "tensors that overlap",
    withHeader({ a: tensor(0, 4), b: tensor(2, 6) }, 6),
    `m, b: expected data_offsets from 4, where the last tensor ends, found data_offsets from 2. ${DAMAGED}`,
  ],
  [
    "a gap between tensors",
    withHeader({ a: tensor(0, 4), b: tensor(5, 6) }, 6),
    `m, b: expected data_offsets from 4, where the last tensor ends, found data_offsets from 5. ${DAMAGED}`,
  ],
  [
    "a gap before the first tensor",
    withHeader({ a: tensor(1, 4) }, 4),
    `m, a: expected data_offsets from 0, where the last tensor ends, found data_offsets from 1. ${DAMAGED}`,
  ],
  [
    "bytes after the last tensor",
    withHeader({ a: tensor(0, 4) }, 5),
    `m: expected 65 bytes, where the last tensor ends, found 66. ${DAMAGED}`,
  ],
  [
    "data cut short",
    withHeader({ a: tensor(0, 4) }, 3),
    `m: expected 65 bytes, where the last tensor ends, found 64. ${DAMAGED}`,
  ],
  [
    "a name that stands twice",
    withHeader(`{"a": ${JSON.stringify(tensor(0, 4))}, "a": ${JSON.stringify(tensor(4, 6))}}`, 6),
    `m, a: expected data_offsets from 0, where the last tensor ends, found data_offsets from 4. ${DAMAGED}`,
  ],
  [
    "metadata that are no texts",
    withHeader({ __metadata__: { a: 1 } }),
    `m, __metadata__: expected an object of texts, found {"a":1}. ${DAMAGED}`,
  ],
  [
    "metadata that are a list",
    withHeader({ __metadata__: [] }),
    `m, __metadata__: expected an object of texts, found []. ${DAMAGED}`,
  ],
  [
    "a name of a megabyte, which the message cuts",
    withHeader({ ["x".repeat(1e6)]: 1 }),
    `m, ${"x".repeat(100)}…: expected ${DTYPES}, found nothing. ${CONVERT}`,
  ],
];

describe("a broken safetensors file is refused", () => {
  itRefuses(broken, (file) => readSafetensors(blobSource("m", file)));
});
