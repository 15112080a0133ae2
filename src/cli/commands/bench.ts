// `lfm2 bench`: tokens per second of prefill and decode, by setting and by depth, beside the most that memory allows.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { machineLine } from "../../bench/product/machine.ts";
import type { Filling } from "../../bench/product/measured-model.ts";
import { BenchError, planBench } from "../../bench/product/plan.ts";
import { plotRuns, readRun } from "../../bench/product/plots.ts";
import { runBench } from "../../bench/product/rounds.ts";
import type { Run } from "../../bench/product/run.ts";
import type { Right } from "../../bench/product/settings.ts";
import { reportRun } from "../../bench/product/table.ts";
import { partsOf } from "../../lfm2-error.ts";
import { checkModelOptions, type ModelOptions } from "../../load/model-options.ts";
import type { KernelBuildName } from "../../wasm/kernels.ts";
import { UsageError } from "../exit.ts";
import { sayEmbedded } from "../files/open-model.ts";
import { decodeText, MAX_JSON_BYTES, readBytes } from "../files/text-input.ts";
import { checkFree, OutputError, writeWhole } from "../files/write-file.ts";
import { checkOneModel } from "../options/model-options.ts";
import { aboutFlags, checked, integerOf } from "../options/option-values.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface BenchFlags {
  readonly model?: string;
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
  readonly depth: readonly number[];
  readonly acceptance: readonly Right[];
  readonly threads?: readonly number[];
  readonly kvType?: readonly ("f32" | "f16" | "int8")[];
  readonly kernels?: readonly KernelBuildName[];
  readonly mode?: readonly ("exact" | "int8")[];
  readonly fill: Filling;
  readonly rounds: number;
  readonly output?: string;
  readonly plot?: string;
  readonly force?: true;
  readonly json?: true;
}

const examples = `
Examples:
  $ lfm2 bench
  $ lfm2 bench LFM2-8B-A1B-Q4_0.gguf -d 0,4096,16384,65536 -o q4_0.json
  $ lfm2 bench LFM2-8B-A1B-Q4_0.gguf -t 1,2 --kernels baseline,relaxed --kv-type f16,int8
  $ lfm2 bench LFM2-8B-A1B-Q4_0.gguf -p 0 -d 65536,127871 --kv-type int8 --fill cache
  $ lfm2 bench LFM2-8B-A1B-Q4_0.gguf -p 0 --acceptance 0,0.3,0.6,0.9,forced
  $ lfm2 bench plot q4_0.json q8_0.json -o plots/

Lists multiply out. Rounds alternate between settings, each of which has a process of its own. Filling a deep context
takes as long as reading a prompt of that length, once where all settings fit into memory; --fill cache takes seconds.
Ctrl-C prints what has been measured.`;

export function benchCommand(): Command {
  return new Command("bench")
    .description("measure tokens per second, beside the most that this machine's memory allows")
    .argument("[path or URL]", "a GGUF file or a Hugging Face model folder; without it, the embedded model")
    .option("-m, --model <path or URL>", "the same as an option")
    .addOption(integers("-p, --prefill <tokens>", "tokens of a prompt; 0 leaves it out", 0).default([512], "512"))
    .addOption(integers("-n, --decode <tokens>", "tokens one by one; 0 leaves them out", 0).default([128], "128"))
    .addOption(integers("-d, --depth <positions>", "positions of context before them", 0).default([0], "0"))
    .addOption(
      new Option(
        "--acceptance <shares>",
        "decode with ids that are run ahead, too, of which this share is right, 0 to 1; forced: by a format",
      )
        .argParser(shares)
        .default([], "none"),
    )
    .addOption(integers("-t, --threads <counts>", "threads; by default raced, up to the physical cores", 1))
    .addOption(names("kvType", "--kv-type <types>", "numbers of the KV cache: f32, f16, int8"))
    .addOption(names("kernels", "--kernels <builds>", "baseline, relaxed, relaxed-pairs"))
    .addOption(names("mode", "--mode <names>", "int8, exact"))
    .addOption(
      new Option(
        "--fill <how>",
        "fill a context by reading a prompt, or write seeded numbers into its cache, in seconds",
      )
        .argParser(filling)
        .default("prompt"),
    )
    .addOption(new Option("-r, --rounds <count>", "rounds").argParser(integerOf("--rounds", 1)).default(5))
    .option("-o, --output <path>", "write the figures of every round into a JSON file, too")
    .option("--plot <folder>", "draw the figures into SVG files in this folder")
    .option("--force", "replace existing files")
    .option("--json", "print one JSON object instead of a table")
    .enablePositionalOptions()
    .addCommand(plotCommand())
    .addHelpText("after", examples)
    .action(run);
}

function plotCommand(): Command {
  return new Command("plot")
    .description("draw the figures of one or several runs, such as runs of one model in several formats")
    .argument("<run.json...>", "files that `lfm2 bench -o` wrote")
    .requiredOption("-o, --output <folder>", "the folder for the SVG files")
    .option("--force", "replace existing files")
    .action(async (paths: readonly string[], { output, force }: { readonly output: string; readonly force?: true }) => {
      const runs = await Promise.all(paths.map(async (path) => readRun(await readRunFile(path), path)));
      await writePlots(runs, output, force);
    });
}

async function run(place: string | undefined, flags: BenchFlags): Promise<void> {
  checkOneModel(place, flags);
  const { prefill, decode, depth, acceptance, threads, kvType, kernels, mode, fill, rounds, output } = flags;
  if (output !== undefined) await checkFree(output, flags.force);
  if (flags.plot !== undefined) await checkNoPlots(flags.plot, flags.force);
  const source = place ?? flags.model;
  if (source === undefined) sayEmbedded();
  const lists = { prefill, decode, depths: depth, acceptance, threads, kvType, kernels, mode };
  const request = { source, ...lists, filling: fill, rounds };
  const plan = await planBench(request).catch((error: unknown) => {
    throw error instanceof BenchError ? new UsageError(partsOf(error), { cause: error }) : aboutFlags(error);
  });
  for (const text of plan.notes) note(text);
  const signal = abortOnInterrupt();
  const progress = createProgressLine();
  const { run: found, stopped } = await runBench(plan, { signal, onProgress: progress.show });
  progress.clear();
  const json = `${JSON.stringify(found, null, 2)}\n`;
  if (output !== undefined) await writeWhole(output, json);
  if (flags.plot !== undefined) await writePlots([found], flags.plot, flags.force);
  process.stdout.write(flags.json ? json : harmless(process.stdout, reportRun(found, machineLine(found.machine))));
  if (stopped !== undefined) throw aboutFlags(stopped.cause);
}

async function readRunFile(path: string): Promise<string> {
  const bytes = await readBytes(path, { expected: "a file that `lfm2 bench -o` wrote", maxBytes: MAX_JSON_BYTES });
  return decodeText(bytes, path);
}

/** Checked before long work: whether plots would replace others. Which plots there will be depends on the figures. */
async function checkNoPlots(folder: string, force: boolean | undefined): Promise<void> {
  const drawn = (await readdir(folder).catch(() => [])).find((name) => name.endsWith(".svg"));
  if (drawn === undefined || force) return;
  throw new OutputError({
    subject: folder,
    expected: "no SVG files in it",
    found: drawn,
    remedy: "Name another folder, or replace them with --force.",
  });
}

async function writePlots(runs: readonly Run[], folder: string, force: boolean | undefined): Promise<void> {
  const plots = plotRuns(runs);
  if (plots.length === 0) {
    note("Nothing to plot: one depth, one thread count, one prompt length and one format make points, not lines.");
    return;
  }
  await mkdir(folder, { recursive: true });
  await checkNoPlots(folder, force);
  for (const { file, svg } of plots) await writeWhole(join(folder, file), svg);
  note(`Wrote ${plots.map(({ file }) => join(folder, file)).join(", ")}.`);
}

/** A list of integers of at least `least`; each once. */
function integers(flags: string, description: string, least: number): Option {
  const flag = flags.replace(/^.*(--[a-z-]+).*$/, "$1");
  return new Option(flags, description).argParser((text) => unique(text.split(",").map(integerOf(flag, least))));
}

/** A list of names that an option of the library takes; each once. */
function names(option: keyof ModelOptions, flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) =>
    unique(
      text.split(",").map((name) =>
        checked(() => {
          checkModelOptions({ [option]: name });
          return name;
        }),
      ),
    ),
  );
}

function filling(text: string): Filling {
  if (text === "prompt" || text === "cache") return text;
  throw new UsageError({ subject: "--fill", expected: "prompt or cache", found: JSON.stringify(text) });
}

function shares(text: string): Right[] {
  return unique(
    text.split(",").map((share) => {
      const number = share.trim() === "" ? Number.NaN : Number(share);
      if (share === "forced") return share;
      if (number >= 0 && number <= 1) return number;
      const expected = "numbers from 0 to 1, or forced";
      throw new UsageError({ subject: "--acceptance", expected, found: JSON.stringify(share) });
    }),
  );
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
