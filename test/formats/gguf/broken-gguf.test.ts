// GGUF files no writer should make. Each is refused with a message that says where, what was expected, and what to do.
import { describe } from "vitest";
import type { StoredTokenizer } from "../../../src/formats/checkpoint.ts";
import { scalar } from "../../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../../src/formats/tokenizer-source.ts";
import {
  type BrokenFile,
  changed,
  handmade,
  itRefuses,
  patched,
  withKeys,
  withOptions,
  withTensor,
} from "../broken-files.ts";
import { folderOf, tinyGguf, tinyTensors } from "../tiny-model.ts";

const DAMAGED = "The file is damaged or cut short; fetch it again.";
/** One string, of one byte that begins nothing. */
const noText = { length: 1, bytes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff) };
const size = tinyGguf().length;

/** 32 bytes before the first tensor; every one is still within the file. */
function gapAtBeginning(): Uint8Array<ArrayBuffer> {
  let end = 32;
  const offsets: Record<string, number> = {};
  for (const { name, data } of tinyTensors()) {
    offsets[name] = end;
    end += Math.ceil(data.length / 32) * 32;
  }
  const file = new Uint8Array(size + 32);
  file.set(withOptions({ offsets }));
  return file;
}

const broken: readonly BrokenFile[] = [
  [
    "no bytes at all",
    new Uint8Array(0),
    "m.gguf: expected a GGUF or safetensors file, found neither. Name a model's .gguf or .safetensors file.",
  ],
  [
    "four bytes alone",
    tinyGguf().slice(0, 4),
    `m.gguf: expected a GGUF file of at least 24 bytes, found 4 bytes. ${DAMAGED}`,
  ],
  [
    "another magic",
    patched(0, 0x50, 0x4b, 3, 4),
    "m.gguf: expected a GGUF or safetensors file, found neither. Name a model's .gguf or .safetensors file.",
  ],
  [
    "version 1",
    withOptions({ version: 1 }),
    "m.gguf: expected GGUF version 2 or 3, found version 1. Convert the model again with llama.cpp.",
  ],
  [
    "version 4",
    withOptions({ version: 4 }),
    "m.gguf: expected GGUF version 2 or 3, found version 4. Convert the model again with llama.cpp.",
  ],
  [
    "version 0",
    withOptions({ version: 0 }),
    "m.gguf: expected GGUF version 2 or 3, found version 0. Convert the model again with llama.cpp.",
  ],
  [
    "big-endian numbers",
    patched(4, 0, 0, 0, 3),
    "m.gguf: expected a little-endian GGUF file, found a big-endian one. Convert it with gguf_convert_endian.py.",
  ],
  [
    "more tensors than the file can hold",
    withOptions({ tensorCount: 1e6 }),
    `m.gguf: expected at most 750 tensors, found 1000000. ${DAMAGED}`,
  ],
  [
    "a tensor count beyond 2^53",
    withOptions({ tensorCount: 2n ** 63n }),
    `m.gguf, number of tensors: expected a size below 2^53, found 9223372036854775808. ${DAMAGED}`,
  ],
  [
    "more keys than the file can hold",
    withOptions({ keyCount: 1e6 }),
    `m.gguf: expected at most 1769 metadata keys, found 1000000. ${DAMAGED}`,
  ],
  [
    "fewer keys than are there",
    withOptions({ keyCount: 2 }),
    `m.gguf, lfm2moe.context_length: expected a size below 2^53, found 3633673088400359424. ${DAMAGED}`,
  ],
  [
    "a key longer than the file",
    handmade((out) => out.u64(1e9)),
    `m.gguf, metadata key: expected 1000000000 bytes, found 64 left in the file. ${DAMAGED}`,
  ],
  [
    "a key of no text",
    handmade((out) => {
      out.u64(2);
      out.bytes(Uint8Array.of(0xff, 0xfe));
    }),
    `m.gguf, metadata key: expected UTF-8 text, found bytes that are not UTF-8. ${DAMAGED}`,
  ],
  [
    "a key that stands twice",
    withKeys({ "general.name": scalar("str", "a"), "lfm2moe.block_count": scalar("u32", 2) }),
    `m.gguf, lfm2moe.block_count: expected each key once, found it twice. ${DAMAGED}`,
  ],
  [
    "an unknown type of value",
    handmade((out) => {
      out.string("k");
      out.u32(13);
    }),
    `m.gguf, k: expected a value type of 0 to 12, found 13. ${DAMAGED}`,
  ],
  [
    "a text that is not UTF-8",
    handmade((out) => {
      out.string("k");
      out.u32(8);
      out.u64(1);
      out.bytes(Uint8Array.of(0x80));
    }),
    `m.gguf, k: expected UTF-8 text, found bytes that are not UTF-8. ${DAMAGED}`,
  ],
  [
    "a text longer than the file",
    handmade((out) => {
      out.string("k");
      out.u32(8);
      out.u64(2 ** 40);
    }),
    `m.gguf, k: expected 1099511627776 bytes, found 64 left in the file. ${DAMAGED}`,
  ],
  [
    "a list of numbers beyond 2^53 under a key that is not known",
    changed({ "lfm2moe.new_key": { type: "arr", items: "u64", value: [1, 2n ** 63n] } }),
    "m.gguf, lfm2moe.new_key: expected a key that is known for LFM2, found [1,9223372036854775808]. It might change what the model computes; take a copy without it.",
  ],
  [
    "a boolean of 2",
    handmade((out) => {
      out.string("k");
      out.u32(7);
      out.bytes(Uint8Array.of(2));
    }),
    `m.gguf, k: expected a boolean of 0 or 1, found 2. ${DAMAGED}`,
  ],
  [
    "an array longer than the file",
    handmade((out) => {
      out.string("k");
      out.u32(9);
      out.u32(0);
      out.u64(2 ** 50);
    }),
    `m.gguf, k: expected 1125899906842624 items, found 64 bytes left in the file. ${DAMAGED}`,
  ],
  [
    "an array of texts longer than the file",
    handmade((out) => {
      out.string("k");
      out.u32(9);
      out.u32(8);
      out.u64(9);
    }),
    `m.gguf, k: expected 9 items, found 64 bytes left in the file. ${DAMAGED}`,
  ],
  [
    "an array of arrays",
    handmade((out) => {
      out.string("k");
      out.u32(9);
      out.u32(9);
      out.u64(1);
    }),
    "m.gguf, k: expected an array of numbers, booleans or texts, found one of arrays. " +
      "No LFM2 model has such metadata; take another copy.",
  ],
  [
    "a header without an end",
    handmade((out) => {
      out.string("k");
      out.u32(8);
      out.u64(2 ** 25);
      out.bytes(new Uint8Array(2 ** 25));
    }),
    `m.gguf, k: expected a header of at most 33554432 bytes, found a larger one. ${DAMAGED}`,
  ],
  [
    "a header that ends within a value",
    handmade((out) => {
      out.string("k");
      out.u32(12);
    }).slice(0, 40),
    `m.gguf, k: expected 8 bytes, found 3 left in the file. ${DAMAGED}`,
  ],
  [
    "an alignment of 0",
    withKeys({ "general.alignment": scalar("u32", 0) }),
    `m.gguf, general.alignment: expected a u32 power of two up to 65536, found u32 0. ${DAMAGED}`,
  ],
  [
    "an alignment that is no power of two",
    withKeys({ "general.alignment": scalar("u32", 48) }),
    `m.gguf, general.alignment: expected a u32 power of two up to 65536, found u32 48. ${DAMAGED}`,
  ],
  [
    "an alignment beyond reason",
    withKeys({ "general.alignment": scalar("u32", 2 ** 30) }),
    `m.gguf, general.alignment: expected a u32 power of two up to 65536, found u32 1073741824. ${DAMAGED}`,
  ],
  [
    "an alignment of another type",
    withKeys({ "general.alignment": scalar("str", "32") }),
    `m.gguf, general.alignment: expected a u32 power of two up to 65536, found str "32". ${DAMAGED}`,
  ],
  [
    "a tensor without a name",
    withTensor("blk.0.ffn_up.weight", { name: "" }),
    `m.gguf, tensor 8: expected a name, found none. ${DAMAGED}`,
  ],
  [
    "a tensor that stands twice",
    withTensor("blk.0.ffn_up.weight", { name: "blk.0.ffn_gate.weight" }),
    `m.gguf, blk.0.ffn_gate.weight: expected each tensor once, found it twice. ${DAMAGED}`,
  ],
  [
    "no dimensions",
    withTensor("blk.0.ffn_up.weight", { shape: [] }),
    `m.gguf, blk.0.ffn_up.weight: expected 1 to 4 dimensions, found 0. ${DAMAGED}`,
  ],
  [
    "five dimensions",
    withTensor("blk.0.ffn_up.weight", { shape: [1, 1, 1, 64, 32] }),
    `m.gguf, blk.0.ffn_up.weight: expected 1 to 4 dimensions, found 5. ${DAMAGED}`,
  ],
  [
    "a dimension of 0",
    withTensor("blk.0.ffn_up.weight", { shape: [0, 32] }),
    `m.gguf, blk.0.ffn_up.weight: expected 1 to 2^53 weights, found dimensions 0 × 32. ${DAMAGED}`,
  ],
  [
    "a dimension beyond 2^53",
    withTensor("blk.0.ffn_up.weight", { shape: [2n ** 60n, 32] }),
    `m.gguf, blk.0.ffn_up.weight: expected a size below 2^53, found 1152921504606846976. ${DAMAGED}`,
  ],
  [
    "dimensions whose product is beyond 2^53",
    withTensor("blk.0.ffn_up.weight", { shape: [2 ** 40, 2 ** 40] }),
    `m.gguf, blk.0.ffn_up.weight: expected 1 to 2^53 weights, found dimensions 1099511627776 × 1099511627776. ${DAMAGED}`,
  ],
  [
    "rows of broken blocks",
    withTensor("blk.0.ffn_up.weight", { shape: [64, 33] }),
    `m.gguf, blk.0.ffn_up.weight: expected rows of whole Q8_0 blocks of 32, found rows of 33. ${DAMAGED}`,
  ],
  [
    "a type this project does not decode",
    withTensor("blk.0.ffn_up.weight", { ggmlType: 16 }),
    "m.gguf, blk.0.ffn_up.weight: expected one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4, found IQ2_XXS. Take the model in one of these formats.",
  ],
  [
    "a type nobody knows",
    withTensor("blk.0.ffn_up.weight", { ggmlType: 1000 }),
    "m.gguf, blk.0.ffn_up.weight: expected one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4, found ggml type 1000. Take the model in one of these formats.",
  ],
  [
    "an offset between alignments",
    withOptions({ offsets: { "blk.0.ffn_up.weight": 33 } }),
    `m.gguf, blk.0.ffn_up.weight: expected an offset that 32 divides, found 33. ${DAMAGED}`,
  ],
  [
    "bytes before the first tensor",
    gapAtBeginning(),
    `m.gguf, token_embd.weight: expected an offset of 2496, where the data begins, found 2528. ${DAMAGED}`,
  ],
  [
    "an offset behind the file",
    withOptions({ offsets: { "blk.0.ffn_up.weight": 2 ** 40 } }),
    `m.gguf, blk.0.ffn_up.weight: expected 2176 bytes from 1099511630272, found 0 left in the file. ${DAMAGED}`,
  ],
  [
    "tensors that overlap",
    withOptions({ offsets: { "blk.0.ffn_up.weight": 0 } }),
    `m.gguf, blk.0.ffn_up.weight: expected an offset of at least 2632, after "token_embd.weight", found 2496. ${DAMAGED}`,
  ],
  [
    "data cut short",
    tinyGguf().slice(0, size - 100),
    `m.gguf, blk.1.ffn_down_exps.weight: expected 2176 bytes from 22592, found 2076 left in the file. ${DAMAGED}`,
  ],
  [
    "more rows than the file has",
    withTensor("blk.1.ffn_down_exps.weight", { shape: [2000, 32, 32] }),
    `m.gguf, blk.1.ffn_down_exps.weight: expected 2176000 bytes from 22592, found 2176 left in the file. ${DAMAGED}`,
  ],
  [
    "a part of a split file under another name",
    withKeys({ "split.count": scalar("u16", 2), "split.no": scalar("u16", 0) }),
    'm.gguf: expected a file name ending in -00001-of-00002.gguf, found "m.gguf". Give the files their original names back.',
  ],
  [
    "a split count that is a text",
    withKeys({ "split.count": scalar("str", "2") }),
    `m.gguf, split.count: expected a number, found something else. ${DAMAGED}`,
  ],
];

describe("a broken GGUF file is refused", () => {
  itRefuses(broken, (file) => openCheckpoint(folderOf({ "m.gguf": file }), "m.gguf"));
});

describe("a broken GGUF vocabulary is refused once text is asked for", () => {
  const merges = { "tokenizer.ggml.merges": { type: "arr", items: "str", value: noText } } as const;
  const found = `m.gguf, tokenizer.ggml.merges: expected UTF-8 text, found bytes that are not UTF-8. ${DAMAGED}`;
  itRefuses([["a merge that is no text", changed(merges), found]], async (file) => {
    const { tokenizer } = await openCheckpoint(folderOf({ "m.gguf": file }), "m.gguf");
    return readTokenizer(tokenizer as StoredTokenizer);
  });
});
