// Options about the model: which one, and how it is computed.
import { type Command, Option } from "commander";
import { checkModelOptions, MAX_PARALLEL, type ModelOptions } from "../../load/model-options.ts";
import { type PreTokenizer, preTokenizers } from "../../tokenizer/from-gguf.ts";
import { UsageError } from "../exit.ts";
import { byteCount, checked, integerOf } from "./option-values.ts";

export interface ModelFlags {
  readonly model?: string;
  readonly backend?: "wasm" | "reference";
  readonly mode?: "exact" | "int8";
  readonly kvType?: "f32" | "f16" | "int8";
  readonly context?: number;
  readonly threads?: number;
  readonly kernels?: ModelOptions["kernels"];
  readonly quantize?: ModelOptions["quantize"];
  readonly ignoreMemory?: true;
  readonly parallel?: number;
  readonly kvMemory?: number;
  readonly tokenizerPre?: PreTokenizer;
  /** Milliseconds. */
  readonly stallTimeout?: number;
  readonly offline?: true;
  /** False for --no-cache. */
  readonly cache?: boolean;
}

export type FileFlags = Pick<ModelFlags, "stallTimeout" | "tokenizerPre" | "offline" | "cache">;

/** A day; anything longer counts as for ever. */
const MAX_STALL_SECONDS = 86_400;

export interface ModelWords {
  /** What -c is for, where it is not a conversation. */
  readonly context?: string;
  /** What -m is for, where it is not the model that runs. */
  readonly model?: string;
  /** The mode where --mode does not say; int8 by default. */
  readonly mode?: "exact" | "int8";
}

export function addModelOptions(command: Command, words: ModelWords = {}): Command {
  const { model = "a GGUF file, a Hugging Face model folder, or hf:OWNER/REPO:QUANT; without it, the embedded model" } =
    words;
  command.option("-m, --model <path, name or URL>", model);
  command.addOption(modelChoice("backend", "--backend <name>", "wasm (default) or reference, which is slow and exact"));
  addFileOptions(command);
  command.option("--ignore-memory", "load even where the machine seems to have too little memory");
  return addMemoryOptions(command, words);
}

/** Those that matter to everything that reads the files, with or without weights. */
export function addFileOptions(command: Command): Command {
  const tokenizerPre = new Option(
    "--tokenizer-pre <name>",
    "how text is split, for GGUF files that do not state it as LFM2's do",
  );
  return addNetworkOptions(command).addOption(tokenizerPre.choices(preTokenizers));
}

/** Those of files that may be on servers. */
export function addNetworkOptions(command: Command): Command {
  const seconds = integerOf("--stall-timeout", 1, MAX_STALL_SECONDS);
  const stall = new Option("--stall-timeout <seconds>", "how long a server of a URL may send nothing; 30 by default");
  return command
    .addOption(stall.argParser((text) => 1000 * seconds(text)))
    .option("--offline", "ask no server; open what is kept on this machine")
    .option("--no-cache", "read a URL by ranges, and keep none of it");
}

/** Those that decide how much memory is needed. */
export function addMemoryOptions(command: Command, { context, mode = "int8" }: ModelWords = {}): Command {
  const modes = ["int8: activations in 8 bits", "exact: in float32"].map((text) =>
    text.startsWith(mode) ? text.replace(":", " (default):") : text,
  );
  return command
    .addOption(modelChoice("mode", "--mode <name>", modes.join("; or ")))
    .addOption(modelChoice("kvType", "--kv-type <type>", "numbers of the KV cache: f32, f16 or int8"))
    .addOption(
      new Option("-c, --context <tokens>", context ?? "longest conversation to reserve memory for").argParser(
        integerOf("--context", 1),
      ),
    )
    .addOption(
      new Option(
        "-t, --threads <count>",
        "threads of the kernels; by default as many of the physical cores as a race finds fastest",
      ).argParser(integerOf("--threads", 1)),
    )
    .addOption(
      modelChoice(
        "kernels",
        "--kernels <build>",
        "baseline, relaxed or relaxed-pairs SIMD; the same bits, at different speed",
      ),
    )
    .addOption(
      modelChoice("quantize", "--quantize <type>", "quantize F32, F16 and BF16 weights while loading: Q4_0, Q8_0, …"),
    );
}

/** Those of a program that answers several requests at once. */
export function addParallelOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--parallel <count>", "answers that are computed side by side; 4 by default").argParser(
        integerOf("--parallel", 1, MAX_PARALLEL),
      ),
    )
    .addOption(
      new Option("--kv-memory <bytes>", "keys and values of all of them; by default what one -c takes").argParser(
        byteCount("--kv-memory"),
      ),
    );
}

/** One of the values that the library knows for `option`. */
export function modelChoice(option: keyof ModelOptions, flags: string, description: string): Option {
  const names = { [option]: flags.split(" ")[0] };
  return new Option(flags, description).argParser((text) =>
    checked(() => {
      checkModelOptions({ [option]: text });
      return text;
    }, names),
  );
}

/** For commands that take a model as an argument, too. @throws UsageError */
export function checkOneModel(place: string | undefined, { model }: Pick<ModelFlags, "model">): void {
  if (place === undefined || model === undefined) return;
  throw new UsageError({
    subject: "--model",
    expected: "one model",
    found: `${place} and ${model}`,
    remedy: "Leave one of them out.",
  });
}

export function statedModelOptions(flags: ModelFlags): ModelOptions {
  const { backend, mode, kvType, context, threads, kernels, quantize, ignoreMemory, parallel, kvMemory } = flags;
  const room = { contextLength: context, parallel, kvMemory };
  return { backend, mode, kvType, ...room, threads, kernels, quantize, ignoreMemory };
}
