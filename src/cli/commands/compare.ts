// `lfm2 compare`: where two runs part, and why; of one recording, where it parts from what is computed here.
import { Command, Option } from "commander";
import { type Comparison, compareRuns, type PointComparison } from "../../oracle/compare/compare.ts";
import { comparisonHtml } from "../../oracle/compare/comparison-html.ts";
import { comparisonJson } from "../../oracle/compare/comparison-json.ts";
import { cells, reportLines, wording } from "../../oracle/compare/comparison-text.ts";
import { explainedComparison } from "../../oracle/compare/explained-comparison.ts";
import { type Precision, precisions } from "../../oracle/compare/tolerance.ts";
import { acceptable, verdictOf } from "../../oracle/compare/verdict.ts";
import type { Diagnosed } from "../../oracle/diagnose/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../oracle/diagnose/model-weights.ts";
import { MOST_PRODUCTS } from "../../oracle/diagnose/work.ts";
import { parseGlob } from "../../oracle/glob.ts";
import { readyMaps } from "../../oracle/recorded/name-map.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { isAddress } from "../../oracle/served/completions-server.ts";
import { settleHead } from "../../parameters/tied-head.ts";
import { asTrouble, UsageError } from "../exit.ts";
import { locateFiles, openFiles } from "../files/open-files.ts";
import { openRecorded } from "../files/recorded-files.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { numberOrText, tokenIds } from "../options/option-values.ts";
import { refuseFlags, runFlags } from "../options/refused-flags.ts";
import { addReportOptions, checkReports, type ReportFlags, writeReports } from "../options/report-options.ts";
import { addServerOptions, type ServerFlags, serverOptions } from "../options/server-options.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { harmless, note, styled } from "../terminal/terminal.ts";
import { ownRun, servedRuns } from "./compare/sides.ts";

type Acceptable = (typeof acceptable)[number];

interface CompareFlags extends ModelFlags, ReportFlags, ServerFlags {
  readonly ids?: number[];
  readonly map?: string;
  readonly mapA?: string;
  readonly precision?: Precision;
  readonly tolerance?: number;
  readonly maxProducts?: number;
  readonly accept?: Acceptable[];
  readonly points?: string[];
  readonly all?: true;
  readonly json?: true;
  readonly html?: string;
}

const examples = `
Examples:
  $ lfm2 compare -m LFM2-8B-A1B/ transformers.safetensors
  $ lfm2 compare -m LFM2-350M-F16.gguf dump.npz --ids 1,6,330,214 --map llama.cpp --html report.html
  $ lfm2 compare -m LFM2-350M/ bf16.safetensors --precision bf16 --accept rounding,near-ties
  $ lfm2 compare -m LFM2-350M-F16.gguf http://127.0.0.1:8080/v1/completions --ids 1,6,330,214
  $ lfm2 compare trace/ other-trace/
  $ lfm2 compare trace/ dump.npz -m LFM2-8B-A1B/ --map names.json --points "model.layers.{0..3}.**" --json

A is what B is held against. Each is a directory that lfm2 trace wrote, or a file: safetensors, .npz, .npy, or raw float32
(.bin, such as llama-debug --save-logits writes, whose ids are read from beside it), with numbers [positions, columns] under
the names of transformers' modules; of one array that is named otherwise, logits. Other layouts are recognized and said:
batches, padding, the last row alone, channels first, a padded vocabulary, log-probabilities, numbers of hidden_states.
With one path and -m, A is that model's run of B's ids, made here: exact float32 with a float32 cache unless --mode or
--kv-type says otherwise. The ids are B's input_ids, or --ids.
--map ${Object.keys(readyMaps).join(", ")} knows another runtime's names (hf by default); a JSON file gives your own:
{"blocks.{layer}.out": "model.layers.{layer}", "skip.*": ""}.

B may be the address of a server that speaks OpenAI's /v1/completions. It is sent the ids as they are, and told apart by the
log-probabilities that it gives: of every position in one request where it echoes a prompt or knows prompt_logprobs, else of
one position a request. What it does not tell is said in the verdict; causes are not looked for.

Causes are found by computing the operation where the runs part again, under each known mistake, from the numbers that
were recorded. With -m the model's weights take part; without, only what a recording holds: routers, norms, and where it
has what out_proj and w2 are given (docs/oracle.md) convolution, attention and dense feed-forwards.
The search ends after --max-products, at the same place on every machine, and the report says what was left out.

The verdict is: equal; equal within rounding, and which; equal but for near ties; different, with its cause or cause not
known. Tolerance is float32's unless a recording says that it rounded more, or --precision says so.
Exit codes: 0 equal, or a verdict named by --accept; 1 every other verdict; 2 wrong usage or nothing to compare.`;

export function compareCommand(): Command {
  const command = new Command("compare").description("tell where two runs part, and why");
  command
    .argument("<A>", "what is expected: a directory of lfm2 trace, or a file of tensors; the only path is B's")
    .argument("[B]", "what is held against it, or a server's address; with -m alone, A is what the model computes here")
    .addOption(
      new Option("--ids <ids>", "the ids that B was run on, where it does not say").argParser(tokenIds("--ids")),
    )
    .option("--map <name or file>", "whose names B's points have: hf, llama.cpp, mlx-lm, or those of a JSON file")
    .option("--map-a <name or file>", "the same of A, where A is a file")
    .addOption(new Option("--precision <name>", "what both were computed in").choices(precisions))
    .option(
      "--tolerance <number>",
      "what may be off, times max(1, largest number), whatever the precision",
      from0("--tolerance"),
    )
    .option(
      "--max-products <number>",
      `products of two numbers that the search for a cause may compute (default: ${MOST_PRODUCTS / 1e9}e9)`,
      from0("--max-products"),
    )
    .option("--accept <verdicts>", `verdicts to end with 0 for, beside equal: ${acceptable.join(",")}`, verdicts)
    .option("--points <globs...>", 'compare these points only, such as "**.gate.*"')
    .option("--all", "list every point, not only the first ones outside tolerance")
    .option("--json", "print one JSON object instead of text")
    .option("--html <path>", "write a report with plots")
    .option("--force", "replace a file that is there");
  addReportOptions(addServerOptions(command));
  const model = "the model that both ran: its weights tell more causes, and without A it is run here";
  return addModelOptions(command, { model, mode: "exact" }).addHelpText("after", examples).action(run);
}

function from0(flag: string): (text: string) => number {
  return (text) => {
    const value = numberOrText(text);
    if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
    throw new UsageError({ subject: flag, expected: "a finite number from 0", found: JSON.stringify(text) });
  };
}

function verdicts(text: string): Acceptable[] {
  const names = text.split(",").map((name) => acceptable.find((known) => known === name.trim()));
  if (!names.includes(undefined)) return names as Acceptable[];
  throw new UsageError({
    subject: "--accept",
    expected: `some of ${acceptable.join(",")}`,
    found: JSON.stringify(text),
  });
}

async function run(first: string, second: string | undefined, flags: CompareFlags): Promise<void> {
  const signal = abortOnInterrupt();
  const opened: { close(): Promise<void> }[] = [];
  const line = createProgressLine();
  try {
    if (flags.json) refuseFlags({ "--all": flags.all }, "--json, which lists every point");
    if (flags.html !== undefined) await checkFree(flags.html, flags.force);
    await checkReports(flags);
    const begin = performance.now();
    const select = selection(flags.points);
    const open = async (path: string, map: string | undefined): Promise<RecordedRun> => {
      const recorded = await openRecorded(path, map, signal);
      opened.push(recorded);
      return recorded;
    };
    const isPair = second !== undefined;
    const place = second ?? first;
    const asked = serverOptions(place, flags, signal);
    if (isPair && isAddress(first)) {
      const remedy = "Name the address as B.";
      throw new UsageError({ subject: "A", expected: "a recording", found: "an address", remedy });
    }
    if (isPair && flags.ids !== undefined && !isAddress(place)) {
      throw new UsageError({
        subject: "--ids",
        expected: "them for a run made here",
        found: "two recordings",
        remedy: "Leave A or --ids out.",
      });
    }
    if (isPair) refuseFlags(runFlags(flags), "two recordings, for nothing is run");
    else refuseFlags({ "--map-a": flags.mapA }, "a run made here for A");
    if (isAddress(place)) refuseFlags({ "--map": flags.map }, "a server, whose log-probabilities need no names");
    const options = {
      tolerance: flags.tolerance,
      precision: flags.precision,
      select,
      signal,
      onProgress: (done: number, total: number) => line.show(`Comparing: ${done} of ${total} points`),
    };
    const ofServer = async (): Promise<readonly [Comparison, Diagnosed]> => {
      const recorded = isPair ? await open(first, flags.mapA) : undefined;
      const runs = await servedRuns(place, recorded, flags, { ...asked, signal });
      const comparison = await compareRuns(...runs, options);
      return [comparison, { guess: undefined, next: [], hints: comparison.equal ? [] : [OF_SERVERS], products: 0 }];
    };
    const ofRecordings = async (): Promise<readonly [Comparison, Diagnosed]> => {
      const recordedA = isPair ? await open(first, flags.mapA) : undefined;
      const b = await open(place, flags.map);
      const runs = [recordedA ?? (await ownRun(b, flags, opened, signal)), b] as const;
      const weights =
        flags.model === undefined ? undefined : await openWeights(flags.model, !isPair, flags, opened, signal);
      const onSearch = () => line.show("Looking for the cause");
      return explainedComparison(...runs, weights, { ...options, maxProducts: flags.maxProducts, onSearch });
    };
    const [comparison, diagnosed] = await (isAddress(place) ? ofServer() : ofRecordings());
    line.clear();
    if (flags.html !== undefined) {
      await writeWhole(flags.html, comparisonHtml(comparison, diagnosed));
      note(`Wrote ${flags.html}.`);
    }
    const { stdout } = process;
    const words = wording(comparison, diagnosed, flags.all === true);
    if (flags.json) stdout.write(comparisonJson(comparison, diagnosed));
    else {
      const lines = reportLines(words, (text) => styled(stdout, "bold", text));
      stdout.write(harmless(stdout, `${lines.join("\n")}\n`));
    }
    const verdict = verdictOf(comparison, diagnosed).is;
    const isAccepted = verdict === "equal" || flags.accept?.some((known) => known === verdict);
    const failure = isAccepted ? undefined : [words.verdict, ...words.cause].join("\n");
    const group = `${comparison.a.name} and ${comparison.b.name}`;
    const outcomes = [
      { group, name: "verdict", failure },
      ...comparison.points.map((point) => ({
        group,
        name: point.name,
        failure: isAccepted ? undefined : outside(point),
      })),
    ];
    await writeReports(flags, `compare ${comparison.b.name}`, outcomes, (performance.now() - begin) / 1000, failure);
    process.exitCode = isAccepted ? 0 : 1;
  } catch (error) {
    line.clear();
    throw asTrouble(error);
  } finally {
    line.clear();
    await Promise.allSettled(opened.map((one) => one.close()));
  }
}

const OF_SERVERS =
  "a server tells of log-probabilities alone; record its tensors, and compare them, to learn the cause";

function outside(point: PointComparison): string | undefined {
  return point.within ? undefined : `outside tolerance: ${cells(point).filter(Boolean).join("  ")}`;
}

function selection(globs: readonly string[] | undefined): ((name: string) => boolean) | undefined {
  const patterns = globs?.map(parseGlob);
  return patterns && ((name) => patterns.some((pattern) => pattern.test(name)));
}

async function openWeights(
  model: string,
  hasRun: boolean,
  flags: ModelFlags,
  opened: { close(): Promise<void> }[],
  signal: AbortSignal,
): Promise<ModelWeights> {
  // Its warnings were said when it ran.
  const checkpoint = await (hasRun ? locateFiles : openFiles)(model, { ...flags, reads: "whole" }, signal);
  opened.push(...checkpoint.files);
  return modelWeights({ ...checkpoint, ...(await settleHead(checkpoint, "whole", signal)) }, flags.quantize);
}
