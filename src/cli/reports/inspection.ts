// Everything `lfm2 inspect` shows, as plain data: what a model is, and the memory it needs. No weight is read.

import type { FormatName } from "../../blocks/formats.ts";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { isObject } from "../../formats/json.ts";
import { FormatError } from "../../formats/refusal.ts";
import { readTokenizer } from "../../formats/tokenizer-source.ts";
import { PROGRAM_BYTES } from "../../load/fit.ts";
import type { Machine } from "../../load/machine.ts";
import type { ModelOptions } from "../../load/model-options.ts";
import { planMemory } from "../../load/plan-memory.ts";
import { type Config, readConfig } from "../../model/config.ts";
import { findParameters } from "../../parameters/find-parameters.ts";
import { settleHead } from "../../parameters/tied-head.ts";
import { type RecommendedSampling, recommendedSampling } from "../../sampling/defaults.ts";
import { TokenizerError } from "../../tokenizer/source.ts";
import { createTokenizer } from "../../tokenizer/tokenizer.ts";
import { nodeMachine } from "../../worker/node-machine.ts";
import { locateFiles } from "../files/open-files.ts";
import type { FileFlags } from "../options/model-options.ts";
import { type ModelFacts, modelFacts, nameOf, parametersOf, storedBytes } from "./model-facts.ts";

export interface Inspection {
  readonly name: string;
  readonly source: string;
  readonly container: string;
  readonly fileBytes: number;
  readonly config: Config;
  readonly facts: ModelFacts;
  readonly tensors: readonly TensorFacts[];
  /** Null where the files have none; the error where it is damaged: ids can still be run. */
  readonly tokenizer: TokenizerFacts | { readonly error: string } | null;
  /** Characters of the chat template; null where the files have none. */
  readonly chatTemplateLength: number | null;
  /** The same of other templates, by name. */
  readonly namedTemplateLengths: Readonly<Record<string, number>>;
  readonly sampling: RecommendedSampling;
  readonly memory: MemoryFacts | { readonly error: string };
  /** What the files hold that is not used, or was not as expected, and might matter. */
  readonly warnings: readonly string[];
}

export interface TensorFacts {
  readonly name: string;
  readonly format: FormatName;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly bytes: number;
}

export interface TokenizerFacts {
  readonly tokens: number;
  readonly bos: TokenFacts | null;
  /** Any of them ends an answer. */
  readonly eos: readonly EndFacts[];
}

export interface EndFacts extends TokenFacts {
  /** Files and keys that say so; none where its name alone does. */
  readonly statedBy: readonly string[];
}

export interface TokenFacts {
  readonly id: number;
  readonly text: string;
}

export interface MemoryFacts {
  readonly banks: readonly {
    /** `model` (embedding, final norm and head) and `model.layers.N`. */
    readonly units: readonly string[];
    readonly weightBytes: number;
    readonly stateBytes: number;
    readonly bytes: number;
  }[];
  readonly weightBytes: number;
  /** Keys, values and convolution inputs for the whole context. */
  readonly stateBytes: number;
  /** Of each bank. */
  readonly workBytes: number;
  readonly totalBytes: number;
  /** Beside the banks: Node, this library, and pieces of the file on their way. */
  readonly programBytes: number;
}

/** @throws what `open` throws for the files; OptionError when an option does not fit the model */
export async function inspectModel(
  source: string | undefined,
  options: ModelOptions,
  flags: FileFlags,
): Promise<Inspection> {
  const checkpoint = await locateFiles(source, flags);
  try {
    const settled = await settleHead(checkpoint, "sampled");
    const config = readConfig(settled.config, checkpoint.keyNames);
    const { parameters, warnings } = findParameters(config, settled.tensors);
    const tensors = parameters.map(({ tensor }) => tensor);
    const tokenizer = tokenizerFacts(checkpoint, config.vocabSize);
    const stated = checkpoint.metadata.get("general.name");
    return {
      name: nameOf(checkpoint.metadata, source ?? "embedded model"),
      source: source ?? "embedded",
      container: checkpoint.container,
      fileBytes: checkpoint.files.reduce((sum, { size }) => sum + size, 0),
      config,
      facts: modelFacts(config, tensors),
      tensors: tensors.map((tensor) => ({
        name: tensor.name,
        format: tensor.format,
        shape: tensor.shape,
        parameters: parametersOf(tensor),
        bytes: storedBytes(tensor),
      })),
      tokenizer,
      chatTemplateLength: checkpoint.chatTemplate?.length ?? null,
      namedTemplateLengths: Object.fromEntries(
        [...(checkpoint.namedTemplates ?? [])].map(([name, { length }]) => [name, length]),
      ),
      sampling: recommendedSampling({
        generationConfig: checkpoint.generationConfig,
        vocabSize: config.vocabSize,
        bosId: tokenizer !== null && "bos" in tokenizer ? tokenizer.bos?.id : undefined,
        name: typeof stated === "string" ? stated : undefined,
      }),
      memory: memoryOf(settled, options, await nodeMachine()),
      warnings: [...checkpoint.warnings, ...settled.warnings, ...warnings],
    };
  } finally {
    await Promise.all(checkpoint.files.map((opened) => opened.close()));
  }
}

function tokenizerFacts(checkpoint: Checkpoint, embeddingRows: number): Inspection["tokenizer"] {
  const stored = checkpoint.tokenizer;
  if (stored === undefined) return null;
  try {
    const { vocabSize, bosId, eosIds, textOf, idOf } = createTokenizer(readTokenizer(stored), embeddingRows);
    const token = (id: number): TokenFacts => ({ id, text: textOf(id) });
    const stated = statedEnds(checkpoint, idOf);
    const eos = eosIds.map((id) => ({
      ...token(id),
      statedBy: stated.filter(([, value]) => [value].flat().includes(id)).map(([by]) => by),
    }));
    return { tokens: vocabSize, bos: bosId === undefined ? null : token(bosId), eos };
  } catch (error) {
    if (error instanceof TokenizerError || error instanceof FormatError) return { error: error.message };
    throw error;
  }
}

/** What says which ids end an answer, and the ids that it states. */
function statedEnds(
  { tokenizer, config, generationConfig, metadata }: Checkpoint,
  idOf: (text: string) => number | undefined,
): [string, unknown][] {
  if (tokenizer?.kind !== "json") {
    const keys = ["eos_token_id", "eot_token_id", "eos_token_ids"].map((key) => `tokenizer.ggml.${key}`);
    return keys.map((key) => [key, metadata.get(key)]);
  }
  const { eos_token: stated } = tokenizer.config;
  const text = isObject(stated) ? stated.content : stated;
  return [
    ["tokenizer_config.json", typeof text === "string" ? idOf(text) : undefined],
    ["config.json", config.eos_token_id],
    ["generation_config.json", generationConfig.eos_token_id],
  ];
}

function memoryOf(
  files: Parameters<typeof planMemory>[0],
  options: ModelOptions,
  machine: Machine,
): Inspection["memory"] {
  try {
    const { banks, workBytes } = planMemory(files, options, machine);
    const total = (key: "weightBytes" | "stateBytes" | "bytes"): number =>
      banks.reduce((sum, bank) => sum + bank[key], 0);
    return {
      banks,
      weightBytes: total("weightBytes"),
      stateBytes: total("stateBytes"),
      workBytes,
      totalBytes: total("bytes"),
      programBytes: PROGRAM_BYTES,
    };
  } catch (error) {
    // What the model is can still be shown.
    if (error instanceof Error && error.name === "MemoryError") return { error: error.message };
    throw error;
  }
}
