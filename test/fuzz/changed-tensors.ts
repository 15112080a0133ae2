// A small model's tensors renamed, added, removed, doubled, of other shapes and types, at random; and what may come of it.
import { blockFormats, encodeBlocks } from "../../src/blocks/formats.ts";
import { type Dtype, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { planMemory } from "../../src/load/plan-memory.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import type { Folder } from "../../src/sources/source.ts";
import { writeGguf } from "../formats/gguf/gguf-writer.ts";
import { folderOf, tinyGguf, tinyHfTensors, tinyMetadata, tinyTensors } from "../formats/tiny-model.ts";
import { load, logitsOf } from "../model/run.ts";
import { context } from "../ops/harness.ts";
import type { Dice } from "./dice.ts";
import { namedError } from "./named.ts";

const IDS = Int32Array.of(0, 1, 2, 3, 1);

type Container = "gguf" | "hf";
type Type = "F32" | "F16" | "BF16" | "Q8_0" | "I32";

interface Tensor {
  name: string;
  shape: number[];
  type: Type;
  data: Uint8Array;
}

const ggmlTypes: Readonly<Record<Type, number>> = { F32: 0, F16: 1, BF16: 30, Q8_0: 8, I32: 26 };

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength).slice();
const countOf = (shape: readonly number[]): number => shape.reduce((product, axis) => product * axis, 1);

/** With a head of its own, or the embedding's. */
function tensorsOf(container: Container, tied: boolean): Tensor[] {
  const tensors: Tensor[] =
    container === "gguf"
      ? tinyTensors().map(({ name, shape, ggmlType, data }) => {
          const type = ggmlType === 8 ? "Q8_0" : "F32";
          return { name, shape: shape.map(Number), type, data: bytesOf(data) };
        })
      : [...tinyHfTensors()].map(([name, { shape, dtype, data }]) => {
          return { name, shape: [...shape], type: dtype as Type, data: bytesOf(data) };
        });
  if (tied) return tensors;
  const [embedding] = tensors;
  const data = embedding.data.slice().reverse();
  const name = container === "gguf" ? "output.weight" : "lm_head.weight";
  // Reversed, the bytes of BF16 are small numbers still; Q8_0 has scales, so its head is float.
  if (container === "hf")
    return [
      ...tensors,
      { ...embedding, name, data: bytesOf(Uint16Array.from({ length: data.length / 2 }, (_, i) => 0x3e00 + (i % 97))) },
    ];
  const numbers = Float32Array.from({ length: countOf(embedding.shape) }, (_, i) => ((i * 7) % 13) / 13 - 0.5);
  return [...tensors, { ...embedding, name, type: "F16", data: encodeBlocks(blockFormats.F16, numbers) }];
}

let hfConfig: Record<string, unknown> = {};
let bits = new Map<string, Float32Array>();

export async function prepareTensors(): Promise<void> {
  hfConfig = { ...(await openCheckpoint(folderOf({ "m.gguf": tinyGguf() }), "m.gguf")).config };
  for (const container of ["gguf", "hf"] as const) {
    for (const tied of [true, false]) {
      const logits = await logitsIn(folderWith(container, tied, tensorsOf(container, tied)));
      bits = bits.set(`${container} ${tied}`, logits);
    }
  }
}

function folderWith(container: Container, tied: boolean, tensors: readonly Tensor[]): [Folder, string | undefined] {
  if (container === "gguf") {
    const written = tensors.map(({ type, ...tensor }) => ({ ...tensor, ggmlType: ggmlTypes[type] }));
    return [folderOf({ "m.gguf": writeGguf(tinyMetadata(), written) }), "m.gguf"];
  }
  const written = new Map(tensors.map(({ name, type, shape, data }) => [name, { dtype: type as Dtype, shape, data }]));
  const config = JSON.stringify({ ...hfConfig, tie_embedding: tied, tie_word_embeddings: tied });
  return [folderOf({ "config.json": config, "model.safetensors": writeSafetensors(written) }), undefined];
}

async function logitsIn([folder, file]: [Folder, string | undefined]): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(folder, file);
  return logitsOf(await load(checkpoint, { mode: "exact" }), IDS, IDS.length);
}

/** What was done, and whether it makes another valid file: the list of all that may change a bit. */
interface Change {
  readonly what: string;
  readonly valid?: string;
}

function change(tensors: Tensor[], container: Container, dice: Dice): Change {
  const at = dice.below(tensors.length);
  const tensor = tensors[at];
  const { name, shape } = tensor;
  const kind = dice.below(10);
  if (kind === 0) return rename(tensors, tensor, dice);
  if (kind === 1) {
    tensors.splice(at, 1);
    return { what: `without ${name}` };
  }
  if (kind === 2) {
    const twin = { ...tensor, name: dice.chance(0.5) ? name : spelled(name, container, dice) };
    tensors.splice(dice.below(tensors.length + 1), 0, twin);
    return { what: `${name} twice, as ${twin.name}` };
  }
  if (kind === 3) {
    const added = addition(name, container, dice);
    tensors.push(added);
    const isHead = container === "hf" && added.name === "lm_head.weight";
    return { what: `added ${added.name}`, valid: isHead ? "a head that differs from the embedding" : undefined };
  }
  if (kind === 4) {
    const other = tensors.filter(
      (found) => found !== tensor && found.type === tensor.type && `${found.shape}` === `${shape}`,
    );
    if (other.length === 0) return { what: "nothing" };
    const partner = dice.pick(other);
    [tensor.data, partner.data] = [partner.data, tensor.data];
    return { what: `${name} exchanged with ${partner.name}`, valid: "two tensors of one shape exchanged" };
  }
  if (kind === 5) return retype(tensor, dice);
  return reshape(tensor, dice);
}

function rename(tensors: readonly Tensor[], tensor: Tensor, dice: Dice): Change {
  const { name } = tensor;
  const ways: readonly (() => string)[] = [
    () => dice.pick(tensors).name,
    () => `${dice.pick(["model.", "module.", "_orig_mod.", "x.", "language_model.", "base_model.model."])}${name}`,
    () => name.replace(/^model\./, ""),
    () => name.replace(/\d+/, (digit) => `${Number(digit) + 1 - 2 * dice.below(2)}`),
    () => name.replace(/weight$/, dice.pick(["bias", "scale", "weight_scale", "lora_A.weight", "qweight", ""])),
    () => name.replace(/w[123]|q_proj|attn_q|norm|conv/, dice.pick(["w1", "w2", "k_proj", "attn_k", "gate"])),
    () => [...name].filter((_, i) => i !== name.length >> 1).join(""),
    () => "rope_freqs.weight",
    () => "__proto__",
  ];
  tensor.name = dice.pick(ways)();
  return { what: `${name} as ${tensor.name}` };
}

/** Another name of the same tensor, where there is one. */
function spelled(name: string, container: Container, dice: Dice): string {
  if (container === "gguf") return name === "token_embd_norm.weight" ? "output_norm.weight" : `${name}s`;
  return dice.pick([`module.${name}`, `_orig_mod.${name}`, name.replace(/^model\./, ""), `language_model.${name}`]);
}

function addition(near: string, container: Container, dice: Dice): Tensor {
  const type = dice.pick(["F32", "F32", "I32"] as const);
  const shape = dice.pick([[1], [32], [4, 32], [32, 32], [8, 3]]);
  const data = new Uint8Array(4 * countOf(shape)).map(() => dice.below(64));
  const foreign = ["extra.weight", "blk.7.attn_q.weight", "model.layers.7.ffn_norm.weight", "rope_freqs.weight"];
  const own =
    container === "hf"
      ? [
          "lm_head.weight",
          "model.rotary_emb.inv_freq",
          "model.layers.0.self_attn.q_proj.weight",
          "model.layers.0.feed_forward.gate.weight",
          "model.layers.1.feed_forward.experts.2.w1.weight",
        ]
      : ["blk.0.attn_q.weight", "blk.0.ffn_gate_inp.weight", "blk.1.shortconv.conv.weight", "output_norm.weight"];
  return { name: dice.chance(0.2) ? `${near}.extra` : dice.pick([...foreign, ...own]), type, shape, data };
}

function retype(tensor: Tensor, dice: Dice): Change {
  const before = tensor.type;
  if (before === "F16" || before === "BF16") {
    tensor.type = before === "F16" ? "BF16" : "F16";
    return { what: `${tensor.name} labelled ${tensor.type}`, valid: `${before} labelled ${tensor.type}` };
  }
  tensor.type = dice.pick(["F32", "F16", "BF16", "Q8_0", "I32"] as const);
  const what = `${tensor.name}, ${before} labelled ${tensor.type}`;
  // Few numbers and their padding fill 32 bytes of a GGUF file in any of these types.
  return tensor.data.length <= 32 ? { what, valid: "a label that only the padding contradicts" } : { what };
}

function reshape(tensor: Tensor, dice: Dice): Change {
  const { name, shape } = tensor;
  const count = countOf(shape);
  const shapes = [
    [...shape].reverse(),
    [...shape, 1],
    [1, ...shape],
    [shape[0], 1, ...shape.slice(1)],
    [count],
    [2, count / 2],
    [count / 2, 2],
    shape.slice(1),
    [shape[0] + 1, ...shape.slice(1)],
    [shape[0] - 1, ...shape.slice(1)],
    [...shape.slice(0, -1), shape[shape.length - 1] * 2],
  ];
  tensor.shape = dice.pick(shapes.filter((axes) => axes.every((size) => Number.isInteger(size) && size >= 0)));
  if (dice.chance(0.3) && countOf(tensor.shape) < count) {
    tensor.data = tensor.data.slice(0, (tensor.data.length / count) * countOf(tensor.shape));
  }
  return { what: `${name} of [${shape}] as [${tensor.shape}]` };
}

/**
 * One model with a tensor or two changed.
 * @returns how it ended
 * @throws when other bits came out though no such change was made, or when one reader takes what another refuses
 */
export async function playTensors(dice: Dice): Promise<string> {
  const container = dice.pick(["gguf", "hf"] as const);
  const tied = dice.chance(0.6);
  const tensors = tensorsOf(container, tied);
  const changes = Array.from({ length: dice.chance(0.3) ? 2 : 1 }, () => change(tensors, container, dice));
  const told = `${container}, ${tied ? "tied" : "untied"}: ${changes.map(({ what }) => what).join("; ")}`;
  const unique = new Set(tensors.map(({ name }) => name)).size === tensors.length;
  // A JavaScript object has each key once, so safetensors with two of a name are for test/fuzz/files.ts.
  if (container === "hf" && !unique) return "not written";

  const written = folderWith(container, tied, tensors);
  const endings = [
    await ending(() => logitsIn(written)),
    await ending(async () => quantize(await openCheckpoint(...written), async () => {}, { type: "F32", name: "m" })),
    await ending(async () => planMemory(await openCheckpoint(...written), { mode: "exact" }, context.machine)),
  ];
  const [ran, quantized] = endings.map(({ refused }) => refused);
  if ((ran === undefined) !== (quantized === undefined)) {
    throw new Error(`${told}: run ${ran ?? "fine"}, quantized ${quantized ?? "fine"}`);
  }
  if (ran !== undefined) return ran.split(":")[0];
  const same =
    Buffer.compare(
      bytesOf(endings[0].value as Float32Array),
      bytesOf(bits.get(`${container} ${tied}`) as Float32Array),
    ) === 0;
  if (same) return "the same bits";
  const valid = changes.find((found) => found.valid !== undefined)?.valid ?? lackingOf(container, tied, tensors);
  if (valid !== undefined) return `other bits: ${valid}`;
  throw new Error(`${told}: other bits, and nobody said a word`);
}

/** What a GGUF file may lack, removed or under another name: no key of it says that it should be there. */
function lackingOf(container: Container, tied: boolean, tensors: readonly Tensor[]): string | undefined {
  const lacks = (name: string): boolean => !tensors.some((tensor) => tensor.name === name);
  if (container === "hf") return undefined;
  if (lacks("blk.1.exp_probs_b.bias")) return "GGUF without any router bias";
  return !tied && lacks("output.weight") ? "GGUF without output.weight" : undefined;
}

async function ending(run: () => Promise<unknown>): Promise<{ value?: unknown; refused?: string }> {
  try {
    return { value: await run() };
  } catch (error) {
    return { refused: `${namedError(error)}: ${(error as Error).message}` };
  }
}
