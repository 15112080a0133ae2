// Opens files that are wrong in every way: GGUF, safetensors and JSON, headers and tokenizers, but no weights.
//
//   node --import ./assembly/read-typescript.js test/fuzz/files.ts [--seed N] [--count N] [--only NUMBER]
//
// Each opens, its tensors within the file, or is refused by one of this project's errors, in 2 s and 300 MB.
import { readFile } from "node:fs/promises";
import { blockFormats, rowBytes } from "../../src/blocks/formats.ts";
import { writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { widening } from "../../src/formats/part-bytes.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { readConfig } from "../../src/model/config.ts";
import type { Folder } from "../../src/sources/source.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { folderOf, tinyConfig, tinyGguf, tinyHfTensors } from "../formats/tiny-model.ts";
import { runCampaign } from "./children.ts";
import { type Dice, diceOf, reshaped, spoil } from "./dice.ts";
import { changedGguf } from "./gguf.ts";
import { changedJson } from "./json.ts";
import { namedError } from "./named.ts";

const golden = (path: string): URL => new URL(`../../golden/${path}`, import.meta.url);
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(golden(path), "utf8"));

const tiny = tinyGguf();
const tinySafetensors = writeSafetensors(tinyHfTensors());
/** Of the tiny files. */
const HEADER_BYTES = { gguf: 2500, safetensors: 3200 };

/** One of a folder's JSON files, changed; the others as they are. */
const settings = ["config.json", "tokenizer_config.json", "tokenizer.json", "generation_config.json"];

let texts: Record<string, unknown> = {};

async function prepare(): Promise<void> {
  const read = await Promise.all(settings.map((name) => json(`nano/hf/${name}`)));
  texts = Object.fromEntries(settings.map((name, i) => [name, read[i]]));
  await open(folderOf({ "m.gguf": tiny }), "m.gguf");
  await open(folderOf(await asText({})), undefined);
}

async function asText(changed: Record<string, string>): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  const files = Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, JSON.stringify(value)]));
  return { ...files, "model.safetensors": tinySafetensors, ...changed };
}

/** Three quarters are GGUF. */
async function play(seed: number, number: number): Promise<string> {
  const dice = diceOf(seed, number);
  if (number % 4 !== 3) return open(folderOf({ "m.gguf": changedGguf(tiny, HEADER_BYTES.gguf, dice) }), "m.gguf");
  if (dice.chance(0.5)) {
    const files = { "config.json": JSON.stringify(tinyConfig), "m.safetensors": changedSafetensors(dice) };
    return open(folderOf(files), "m.safetensors");
  }
  const name = dice.pick([...settings, "model.safetensors.index.json"]);
  const value = texts[name] ?? {
    weight_map: Object.fromEntries([...tinyHfTensors().keys()].map((key) => [key, "model.safetensors"])),
  };
  return open(folderOf(await asText({ [name]: changedJson(value, dice) })), undefined);
}

function changedSafetensors(dice: Dice): Uint8Array<ArrayBuffer> {
  const kind = dice.below(4);
  if (kind === 0) return reshaped(tinySafetensors, HEADER_BYTES.safetensors, dice);
  if (kind === 1) {
    const bytes = tinySafetensors.slice();
    spoil(bytes, HEADER_BYTES.safetensors, dice);
    return bytes;
  }
  const length = Number(new DataView(tinySafetensors.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(tinySafetensors.subarray(8, 8 + length)));
  const text = new TextEncoder().encode(changedJson(header, dice));
  const bytes = new Uint8Array(8 + text.length + tinySafetensors.length - 8 - length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(tinySafetensors.subarray(8 + length), 8 + text.length);
  return bytes;
}

async function open(folder: Folder, fileName: string | undefined): Promise<string> {
  try {
    const { config, tensors, files, tokenizer } = await openCheckpoint(folder, fileName);
    for (const { name, format, shape, parts } of tensors.values()) {
      const bytes = parts.reduce((sum, part) => sum + part.bytes * widening({ format }, part), 0);
      const rows = shape.slice(0, -1).reduce((product, axis) => product * axis, 1);
      const isWithin = parts.every(
        ({ file, offset, bytes: length }) => offset >= 0 && offset + length <= files[file].size,
      );
      if (isWithin && bytes === rows * rowBytes(blockFormats[format], shape[shape.length - 1])) continue;
      throw new Error(`${name}: expected parts within their files that are as long as the shape says`);
    }
    if (tokenizer !== undefined) createTokenizer(readTokenizer(tokenizer));
    readConfig(config);
    return "opened";
  } catch (error) {
    return namedError(error);
  }
}

await runCampaign(import.meta.url, {
  defaultCount: 3000,
  prepare,
  play,
});
