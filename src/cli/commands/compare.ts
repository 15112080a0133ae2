// `lfm2 compare`: where two recorded runs part, and why.
import { stat } from "node:fs/promises";
import { Command } from "commander";
import { FormatError } from "../../formats/refusal.ts";
import { type Lfm2Error, partsOf } from "../../lfm2-error.ts";
import { ConfigError } from "../../model/config-keys.ts";
import { CompareError, compareRuns } from "../../oracle/compare/compare.ts";
import { comparisonHtml } from "../../oracle/compare/comparison-html.ts";
import { comparisonJson } from "../../oracle/compare/comparison-json.ts";
import { wording } from "../../oracle/compare/comparison-text.ts";
import { diagnose } from "../../oracle/diagnose/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../oracle/diagnose/model-weights.ts";
import { GlobError, globToRegExp } from "../../oracle/glob.ts";
import { type NamePatterns, parseNamePatterns, readyMaps } from "../../oracle/recorded/name-map.ts";
import { openArrays, openTrace } from "../../oracle/recorded/open-run.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { settleHead } from "../../parameters/tied-head.ts";
import { diskFolder, openFile } from "../../sources/disk.ts";
import { SourceError } from "../../sources/source-error.ts";
import { UsageError } from "../exit.ts";
import { openFiles } from "../files/open-files.ts";
import { decodeText, InputError, MAX_JSON_BYTES, readBytes } from "../files/text-input.ts";
import { checkFree, OutputError, writeWhole } from "../files/write-file.ts";
import { numberOrText } from "../options/option-values.ts";
import { abortOnInterrupt } from "../signals.ts";
import { alignColumns } from "../terminal/columns.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { harmless, note, styled } from "../terminal/terminal.ts";

interface CompareFlags {
  readonly model?: string;
  readonly map?: string;
  readonly mapA?: string;
  readonly tolerance?: number;
  readonly points?: string[];
  readonly all?: true;
  readonly json?: true;
  readonly html?: string;
  readonly force?: true;
}

const examples = `
Examples:
  $ lfm2 compare trace/ other-trace/
  $ lfm2 compare trace/ transformers.safetensors -m LFM2-8B-A1B/
  $ lfm2 compare trace/ dump.npz --map llama.cpp --html report.html
  $ lfm2 compare trace/ dump.npz --map names.json --points "model.layers.{0..3}.**" --json

A is what B is held against. Each is a directory that lfm2 trace wrote, a safetensors file or a .npz, with float32
numbers [positions, columns] (a batch axis of 1 is dropped) under the names of transformers' modules.
--map ${Object.keys(readyMaps).join(", ")} knows another runtime's names (hf is used unless told); a JSON file gives your own:
{"blocks.{layer}.out": "model.layers.{layer}", "skip.*": ""}. The ids may be called input_ids.

Causes are found by computing the operation where the runs part again, under each known mistake, from the numbers that
were recorded. With -m the model's weights take part; without, only what a recording holds: routers, norms, and with
the points inside them (conv.in_proj, self_attn.q_rope, …) convolution and attention.

Exit codes: 0 equal within tolerance, 1 different, 2 wrong usage or nothing that can be compared.`;

export function compareCommand(): Command {
  const command = new Command("compare").description("tell where two recorded runs part, and why");
  return command
    .argument("<A>", "a trace directory, a safetensors file or a .npz: what is expected")
    .argument("<B>", "another: what is held against it")
    .option("-m, --model <path or URL>", "the model both ran, for causes that need its weights")
    .option("--map <name or file>", "names of B's points: hf, llama.cpp, mlx-lm, or a JSON file")
    .option("--map-a <name or file>", "the same for A")
    .option("--tolerance <number>", "of float32, f16 or int8 runs unless told; times max(1, largest number)", positive)
    .option("--points <globs...>", 'compare these points only, such as "**.gate.*"')
    .option("--all", "list every point, not only the first ones outside tolerance")
    .option("--json", "print one JSON object instead of text")
    .option("--html <path>", "write a report with plots")
    .option("--force", "replace a file that is there")
    .addHelpText("after", examples)
    .action(run);
}

function positive(text: string): number {
  const value = numberOrText(text);
  if (typeof value === "number" && value >= 0) return value;
  throw new UsageError({ subject: "--tolerance", expected: "a number from 0", found: JSON.stringify(text) });
}

async function run(pathA: string, pathB: string, flags: CompareFlags): Promise<void> {
  const signal = abortOnInterrupt();
  const opened: { close(): Promise<void> }[] = [];
  const line = createProgressLine();
  try {
    if (flags.html !== undefined) await checkFree(flags.html, flags.force);
    const select = selection(flags.points);
    const open = async (path: string, map: string | undefined): Promise<RecordedRun> => {
      const recorded = await openRun(path, map, signal);
      opened.push(recorded);
      return recorded;
    };
    const [a, b] = [await open(pathA, flags.mapA), await open(pathB, flags.map)];
    const weights = flags.model === undefined ? undefined : await openWeights(flags.model, opened, signal);
    const comparison = await compareRuns(a, b, {
      tolerance: flags.tolerance,
      select,
      bias: weights && (async (path) => weights.numbers(`${path}.expert_bias`)),
      signal,
      onProgress: (done, total) => line.show(`Comparing: ${done} of ${total} points`),
    });
    line.show("Looking for the cause");
    const diagnosed = await diagnose(comparison, weights);
    line.clear();
    if (flags.html !== undefined) {
      await writeWhole(flags.html, comparisonHtml(comparison, diagnosed));
      note(`Wrote ${flags.html}.`);
    }
    const { stdout } = process;
    if (flags.json) stdout.write(comparisonJson(comparison, diagnosed));
    else stdout.write(harmless(stdout, report(wording(comparison, diagnosed, flags.all === true))));
    process.exitCode = comparison.equal ? 0 : 1;
  } catch (error) {
    line.clear();
    // As diff has it: 1 says that the two differ, so what cannot be compared at all ends with 2.
    const isTrouble = [CompareError, ConfigError, FormatError, GlobError, InputError, OutputError, SourceError].some(
      (kind) => error instanceof kind,
    );
    throw isTrouble ? new UsageError(partsOf(error as Lfm2Error), { cause: error }) : error;
  } finally {
    line.clear();
    await Promise.allSettled(opened.map((one) => one.close()));
  }
}

function report({ runs, scope, verdict, cause, table, leftOut, logits, flips }: ReturnType<typeof wording>): string {
  const lines = [`A  ${runs[0]}`, `B  ${runs[1]}`, scope, "", styled(process.stdout, "bold", verdict), ...cause];
  if (table.length > 1) lines.push("", ...alignColumns(table, "lrrrrrr"));
  if (leftOut > 0) lines.push(`  … and ${leftOut} more outside tolerance (--all lists every point)`);
  if (logits.length > 0) lines.push("", ...logits);
  if (flips.length > 0) lines.push("", ...flips);
  return `${lines.join("\n")}\n`;
}

function selection(globs: readonly string[] | undefined): ((name: string) => boolean) | undefined {
  const patterns = globs?.map(globToRegExp);
  return patterns && ((name) => patterns.some((pattern) => pattern.test(name)));
}

async function openRun(path: string, map: string | undefined, signal: AbortSignal): Promise<RecordedRun> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) return openTrace(diskFolder(path), signal);
  const source = await openFile(path);
  try {
    return await openArrays(source, await patternsOf(map), signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function patternsOf(map: string | undefined): Promise<NamePatterns | undefined> {
  if (map === undefined) return undefined;
  if (Object.hasOwn(readyMaps, map)) return readyMaps[map];
  const bytes = await readBytes(map, { expected: "names as JSON", maxBytes: MAX_JSON_BYTES });
  return parseNamePatterns(decodeText(bytes, map), map);
}

async function openWeights(
  model: string,
  opened: { close(): Promise<void> }[],
  signal: AbortSignal,
): Promise<ModelWeights> {
  const checkpoint = await openFiles(model, {}, signal);
  opened.push(...checkpoint.files);
  return modelWeights({ ...checkpoint, ...(await settleHead(checkpoint, "whole", signal)) });
}
