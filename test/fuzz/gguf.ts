// Wrong GGUF: a header that is rewritten by what it means, or spoiled byte by byte.

import { type GgufValue, typeNames } from "../../src/formats/gguf/value.ts";
import { encodeGgufHeader, integers, scalar, strings } from "../../src/formats/gguf/write.ts";
import { tinyMetadata, tinyTensors } from "../formats/tiny-model.ts";
import { awkwardSizes, type Dice, randomBytes, reshaped, spoil } from "./dice.ts";

export function changedGguf(whole: Uint8Array<ArrayBuffer>, headerBytes: number, dice: Dice): Uint8Array<ArrayBuffer> {
  const kind = dice.below(10);
  if (kind < 4) {
    const bytes = whole.slice();
    spoil(bytes, headerBytes, dice);
    return bytes;
  }
  if (kind < 6) return reshaped(whole, headerBytes, dice);
  if (kind === 6) return endless(dice);
  return rewritten(dice);
}

/** The tiny model with other keys, values and entries. */
function rewritten(dice: Dice): Uint8Array<ArrayBuffer> {
  const metadata: [string, GgufValue][] = [...tinyMetadata()];
  for (let left = dice.below(4); left > 0; left--) {
    const at = dice.below(metadata.length);
    const [key] = metadata[at];
    const kind = dice.below(4);
    if (kind === 0) metadata.splice(at, 1);
    else if (kind === 1) metadata.splice(at, 0, [dice.pick([key, `${key}x`, "", "general.alignment"]), oddValue(dice)]);
    else metadata[at] = [key, oddValue(dice)];
  }
  let offset = 0;
  const entries = tinyTensors().map(({ name, shape, ggmlType, data }) => {
    const entry = { name, shape: [...shape] as (number | bigint)[], ggmlType, offset: offset as number | bigint };
    offset += Math.ceil(data.length / 32) * 32;
    return entry;
  });
  for (let left = dice.below(4); left > 0; left--) {
    const entry = dice.pick(entries);
    const kind = dice.below(7);
    if (kind === 0)
      entry.name = dice.pick(["", "\0", "blk.0.attn_norm.weight", "blk.99.x", "x".repeat(dice.below(100_000))]);
    else if (kind === 1) entry.shape[dice.below(entry.shape.length)] = dice.pick([...awkwardSizes, 32n, 64n]);
    else if (kind === 2) entry.shape.push(dice.pick([0, 1, 2, 2 ** 31]));
    else if (kind === 3) entry.shape.length = dice.below(entry.shape.length + 1);
    else if (kind === 4) entry.ggmlType = dice.below(45);
    else if (kind === 5) entry.offset = dice.pick([...awkwardSizes, 32n, BigInt(32 * dice.below(2000))]);
    else entries.splice(dice.below(entries.length), 1);
  }
  const header = encodeGgufHeader(metadata, entries, 32);
  const file = new Uint8Array(header.length + offset);
  file.set(header);
  return file;
}

function oddValue(dice: Dice): GgufValue {
  const count = dice.chance(0.05) ? 200_000 : dice.below(20);
  return dice.pick<() => GgufValue>([
    () => scalar("u32", dice.pick([0, 1, 2, 31, 2 ** 31, 2 ** 32 - 1])),
    () => scalar("i64", dice.pick([0n, -1n, 2n ** 62n])),
    () => scalar("f32", dice.pick([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-30])),
    () => scalar("bool", dice.chance(0.5)),
    () => scalar("str", "é".repeat(dice.chance(0.02) ? 4_000_000 : dice.below(300))),
    () => strings(Array.from({ length: count }, (_, i) => dice.pick(["", "a", `t${i}`, "Ġ b", "<|im_end|>"]))),
    () => integers(Array.from({ length: count }, () => dice.pick([0, 1, 2, 5, -1]))),
    () => ({ type: "arr", items: "u64", value: Array.from({ length: count }, () => 2n ** 63n) }),
    () => ({ type: "arr", items: "bool", value: Array.from({ length: count }, () => true) }),
    () => ({ type: "arr", items: "str", value: { length: 3, bytes: wrongStrings(dice) } }),
  ])();
}

/** One string, then bytes that may be two more. */
function wrongStrings(dice: Dice): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff, ...randomBytes(24, dice));
}

/** Megabytes of one value: of arrays in arrays, of empty strings, of a string, of keys. */
function endless(dice: Dice): Uint8Array<ArrayBuffer> {
  const count = dice.chance(0.02) ? 2_000_000 : 1 + dice.below(3000);
  const item = dice.pick([
    [typeNames.indexOf("arr"), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [typeNames.indexOf("arr"), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0, 0, 0, 0x61],
    [1],
  ]);
  const itemType = { 12: "arr", 8: "str", 9: "str", 1: "bool" }[item.length] as GgufValue["type"];
  const empty = encodeGgufHeader(
    [["k", { type: "arr", items: itemType, value: { length: count, bytes: new Uint8Array(0) } }]],
    [],
    1,
  );
  const file = new Uint8Array(empty.length + count * item.length);
  file.set(empty);
  for (let i = 0; i < count; i++) file.set(item, empty.length + i * item.length);
  return file;
}
