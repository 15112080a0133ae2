// Loads files whose weights, scales or headers are wrong, and runs a few ids through what loads.
//
//   node --import ./assembly/read-typescript.js test/fuzz/loads.ts [--seed N] [--count N] [--only NUMBER]
//
// Each gives finite logits, or is refused by one of this project's errors, in 2 s and 300 MB.
import { readFile } from "node:fs/promises";
import { blockFormats } from "../../src/blocks/formats.ts";
import { eachLogits } from "../../src/engine/engine.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { createEngine, loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import type { Folder } from "../../src/sources/source.ts";
import { folderOf } from "../formats/tiny-model.ts";
import { context } from "../ops/harness.ts";
import { runCampaign } from "./children.ts";
import { type Dice, diceOf, randomBytes, spoil } from "./dice.ts";
import { namedError } from "./named.ts";

interface Base {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tensors: Checkpoint["tensors"];
  readonly fileName: string;
  readonly headerBytes: number;
  /** What lies beside the file. */
  readonly files: Readonly<Record<string, string>>;
}

const ggufFormats = Object.keys(blockFormats).filter((name) => !["F32", "F16", "BF16"].includes(name));
const bases: Base[] = [];

async function prepare(): Promise<void> {
  const read = (path: string) => readFile(new URL(`../../golden/${path}`, import.meta.url));
  const config = (await read("transformers/moe-small/config.json")).toString();
  const files: [string, Record<string, string>][] = ggufFormats.map((name) => [`gguf/${name}.gguf`, {}]);
  files.push(["transformers/moe-small/model.safetensors", { "config.json": config }]);
  for (const [path, beside] of files) {
    const bytes = new Uint8Array(await read(path));
    const fileName = path.slice(path.lastIndexOf("/") + 1);
    const { tensors } = await openCheckpoint(folderOf({ ...beside, [fileName]: bytes }), fileName);
    const headerBytes = Math.min(...[...tensors.values()].flatMap(({ parts }) => parts.map(({ offset }) => offset)));
    bases.push({ bytes, tensors, fileName, headerBytes, files: beside });
    if (bases.length === 1) await run(folderOf({ [fileName]: bytes }), fileName, { backend: "reference" });
  }
}

const modes: readonly ModelOptions[] = [
  { mode: "int8" },
  { mode: "int8", quantize: "Q4_0" },
  { mode: "exact" },
  { mode: "int8", kvType: "int8" },
  { backend: "reference" },
];

async function play(seed: number, number: number): Promise<string> {
  const dice = diceOf(seed, number);
  const base = dice.pick(bases);
  const bytes = base.bytes.slice();
  const kind = dice.below(5);
  if (kind === 0) spoil(bytes, base.headerBytes, dice);
  else for (let left = 1 + dice.below(3); left > 0; left--) spoilTensor(bytes, base, dice);
  const folder = folderOf({ ...base.files, [base.fileName]: bytes });
  return run(folder, base.fileName, dice.pick(modes));
}

const awkwardFloats = [Number.NaN, Number.POSITIVE_INFINITY, 3e38, -3e38, 1e30, 1e20, 1e-45, 65504, -0];

/** A few bytes anywhere, one block at random, or all of a tensor's floats the same. */
function spoilTensor(bytes: Uint8Array<ArrayBuffer>, { tensors }: Base, dice: Dice): void {
  const { format, parts } = dice.pick([...tensors.values()]);
  const { offset, bytes: length } = dice.pick(parts);
  const { blockBytes } = blockFormats[format];
  const kind = dice.below(4);
  if (kind === 0) {
    bytes.set(randomBytes(Math.min(blockBytes, length), dice), offset + blockBytes * dice.below(length / blockBytes));
  } else if (kind === 1) {
    for (let left = 1 + dice.below(8); left > 0; left--)
      bytes[offset + dice.below(length)] = dice.pick([0x7b, 0x7c, 0x7e, 0x7f, 0xff, 0xfb]);
  } else {
    const isFloat = format === "F32";
    const stated = isFloat
      ? Float32Array.of(dice.pick(awkwardFloats))
      : Uint16Array.of(dice.pick([0x7bff, 0xfbff, 0x7c00, 0x7e00, 1]));
    const number = new Uint8Array(stated.buffer);
    const stride = isFloat && kind === 3 ? 4 : blockBytes;
    for (let at = offset; at + number.length <= offset + length; at += stride) bytes.set(number, at);
  }
}

async function run(folder: Folder, fileName: string, options: ModelOptions): Promise<string> {
  const patient = { pause: async () => {}, check: undefined };
  try {
    const checkpoint = await openCheckpoint(folder, fileName);
    const loaded = await loadModel(checkpoint, { contextLength: 64, threads: 1, ...options }, context);
    const engine = createEngine(loaded);
    let count = 0;
    await eachLogits(engine, [1, 6, 33, 214, 7], patient, (logits) => {
      if (!logits.every(Number.isFinite)) throw new Error("logits: expected finite numbers or a LogitsError");
      count += logits.length;
    });
    if (count !== 5 * loaded.model.config.vocabSize) throw new Error(`logits: expected 5 rows, found ${count} numbers`);
    return "ran";
  } catch (error) {
    return namedError(error);
  }
}

await runCampaign(import.meta.url, {
  defaultCount: 100,
  prepare,
  play,
});
