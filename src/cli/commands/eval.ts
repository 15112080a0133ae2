// `lfm2 eval`: perplexity over a text, and KL divergence from another file or mode; `lfm2 eval merge`: shards as one.
import { basename } from "node:path";
import { Command, Option } from "commander";
import { embeddedModel } from "../../index.ts";
import {
  type EvalHeader,
  type EvaluatedRun,
  evalLine,
  mergeEvalFiles,
  missingWindows,
} from "../../oracle/eval/eval-file.ts";
import {
  DEFAULT_WINDOW,
  type EvalPlan,
  EvaluationError,
  MIN_WINDOW,
  planEval,
  type Shard,
  WHOLE,
  windowsOf,
} from "../../oracle/eval/eval-plan.ts";
import { evaluate, type WindowScores } from "../../oracle/eval/evaluate.ts";
import { runningMeans } from "../../oracle/eval/quality.ts";
import { sha256 } from "../../oracle/trace/model-hash.ts";
import { hashOf } from "../../oracle/trace/write-trace.ts";
import { formatDuration, formatInteger, formatRanges, threeDigits } from "../../quantities.ts";
import { asTrouble, UsageError } from "../exit.ts";
import { type OpenedModel, openModel, tokenizerOf } from "../files/open-model.ts";
import { decodeText, MAX_TEXT_BYTES, readBytes, subjectOf } from "../files/text-input.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";
import { addModelOptions, type ModelFlags, modelChoice } from "../options/model-options.ts";
import { integerOf } from "../options/option-values.ts";
import { openEvalLog, readEvalFile } from "../reports/eval-log.ts";
import { type EvalReport, evalJson, evalText } from "../reports/eval-report.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface EvalFlags extends ModelFlags {
  readonly file?: string;
  readonly against?: string;
  readonly againstMode?: ModelFlags["mode"];
  readonly againstBackend?: ModelFlags["backend"];
  readonly againstKvType?: ModelFlags["kvType"];
  readonly windows?: number;
  readonly shard?: Shard;
  readonly output?: string;
  readonly force?: true;
  readonly json?: true;
}

interface MergeFlags {
  readonly output?: string;
  readonly force?: true;
  readonly json?: true;
}

const examples = `
Examples:
  $ lfm2 eval -m LFM2-8B-A1B-Q4_0.gguf -f wiki.test.raw -o q4_0.jsonl
  $ lfm2 eval -m LFM2-8B-A1B-Q4_0.gguf --against LFM2-8B-A1B-F16.gguf -f wiki.test.raw
  $ lfm2 eval --mode int8 --against-mode exact -f text.txt -c 256 --windows 20 --json
  $ lfm2 eval -m MODEL -f wiki.test.raw --shard 2/4 -o part-2.jsonl
  $ lfm2 eval merge part-*.jsonl -o all.jsonl

Windows, scored positions and figures are llama-perplexity's: the text is cut into windows of -c tokens, BOS stands in place
of each one's first token, and predictions of its second half count. Errors are standard errors over positions.
Control strings in the text, such as <|im_end|>, are tokenized as text, as there.
The base is --against, or the same file where only --against-mode and the like are given. Backend, mode, KV type, threads and
kernels are the model's where the base's own are not given; --quantize is the model's alone. Both are in memory at once.
With -o, each window is written as it is done, and after a stop the same command continues. Ctrl-C prints what is there.`;

export function evalCommand(): Command {
  const command = new Command("eval")
    .description("measure perplexity over a text, and KL divergence from another file or mode")
    .option("-f, --file <path>", "the text, in UTF-8; - for standard input")
    .option("--against <path or URL>", "the base: a file or folder that the model's predictions are held against")
    .addOption(modelChoice("mode", "--against-mode <name>", "the base's: int8 or exact"))
    .addOption(modelChoice("backend", "--against-backend <name>", "the base's: wasm or reference"))
    .addOption(modelChoice("kvType", "--against-kv-type <type>", "the base's: f32, f16 or int8"))
    .addOption(
      new Option("--windows <count>", "only so many from the text's beginning").argParser(integerOf("--windows", 1)),
    )
    .addOption(new Option("--shard <i/n>", "every n-th window, from the i-th on").argParser(shard))
    .option("-o, --output <path>", "write the results of each window (JSON Lines); a file that is there is continued")
    .option("--force", "write a file that is there anew, instead of continuing it")
    .option("--json", "print one JSON object instead of text");
  return addModelOptions(command, { context: `tokens of a window (default: ${DEFAULT_WINDOW})` })
    .enablePositionalOptions()
    .addCommand(mergeCommand())
    .addHelpText("after", examples)
    .action((flags) => run(flags).catch(aboutEvaluation));
}

function mergeCommand(): Command {
  return new Command("merge")
    .description("the figures of all windows that several files of results hold")
    .argument("<results.jsonl...>", "files that `lfm2 eval -o` wrote")
    .option("-o, --output <path>", "write all windows into one file")
    .option("--force", "replace a file that is there")
    .option("--json", "print one JSON object instead of text")
    .addHelpText("after", "\nExit codes: 0 done, 1 failed or windows missing, 2 wrong usage or nothing to compare.")
    .action((paths, flags) => merge(paths, flags).catch(aboutEvaluation));
}

/** What cannot be evaluated, or not against the other, is a matter of what was asked for. */
function aboutEvaluation(error: unknown): never {
  throw error instanceof EvaluationError ? asTrouble(error) : error;
}

function shard(text: string): Shard {
  const [, index, count] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new UsageError({
    subject: "--shard",
    expected: "i/n with 1 ≤ i ≤ n, such as 2/4",
    found: JSON.stringify(text),
  });
}

async function run(flags: EvalFlags): Promise<void> {
  const { file, output, force, shard = WHOLE, context: window = DEFAULT_WINDOW } = flags;
  if (file === undefined) {
    throw new UsageError({
      subject: "eval",
      expected: "-f TEXT",
      found: "none",
      remedy: "Try: lfm2 eval -f README.md",
    });
  }
  if (window < MIN_WINDOW) {
    throw new UsageError({
      subject: "--context",
      expected: `a window of at least ${MIN_WINDOW} tokens`,
      found: window,
    });
  }
  const bytes = await readBytes(file, { expected: "a text file", maxBytes: MAX_TEXT_BYTES });
  const text = decodeText(bytes, subjectOf(file));
  const signal = abortOnInterrupt();
  const opened: OpenedModel[] = [];
  const open = async (own: ModelFlags): Promise<OpenedModel> => {
    const one = await openModel({ ...own, context: window }, signal);
    opened.push(one);
    note(computationLine(one.model.settings));
    return one;
  };
  try {
    const model = await open(flags);
    const plan = await planEval(await tokenizerOf(model), text, { window, windows: flags.windows });
    if (windowsOf(plan.windows, shard).length === 0) {
      throw new EvaluationError({
        subject: "--shard",
        expected: `at most ${plan.windows} shards, one for each window`,
        found: shard.count,
      });
    }
    const base = isCompared(flags) ? await open(baseFlags(flags)) : undefined;
    if (base !== undefined) await checkTokens(base, text, plan, window);
    const header: EvalHeader = {
      format: "lfm2-eval",
      version: 1,
      model: await aboutRun(model, signal),
      ...(base && { base: await aboutRun(base, signal) }),
      text: { name: basename(subjectOf(file)), sha256: await sha256([bytes]), tokens: plan.ids.length },
      window,
      windows: plan.windows,
      shard,
    };
    const log = output === undefined ? undefined : await openEvalLog(output, header, force);
    const scores = [...(log?.known ?? [])];
    const report = (): void => {
      if (scores.length > 0) print({ header, scores }, flags);
    };
    if (scores.length > 0) note(`${output}: going on after ${formatInteger(scores.length)} windows.`);
    const progress = createProgress(header, scores);
    const done = new Set(scores.map((one) => one.window));
    try {
      for await (const one of evaluate(model.model, plan, { against: base?.model, shard, done, signal })) {
        await log?.append(one);
        scores.push(one);
        progress.show();
      }
    } catch (error) {
      progress.clear();
      if (signal.aborted) report();
      throw error;
    } finally {
      progress.clear();
      await log?.close();
    }
    report();
  } finally {
    await Promise.all(opened.map(({ model }) => model.close()));
  }
}

function isCompared({ against, againstMode, againstBackend, againstKvType }: EvalFlags): boolean {
  return [against, againstMode, againstBackend, againstKvType].some((flag) => flag !== undefined);
}

function baseFlags(flags: EvalFlags): ModelFlags {
  const { backend, mode, kvType, threads, kernels, stallTimeout, offline, cache, tokenizerPre } = flags;
  return {
    model: flags.against ?? flags.model ?? embeddedModel.href,
    backend: flags.againstBackend ?? backend,
    mode: flags.againstMode ?? mode,
    kvType: flags.againstKvType ?? kvType,
    threads,
    kernels,
    stallTimeout,
    offline,
    cache,
    // Each file may name another; the one that is compared with has to be right by itself.
    tokenizerPre: flags.against === undefined ? tokenizerPre : undefined,
  };
}

/** Logits of other tokens say nothing of these. A base without a tokenizer is believed. */
async function checkTokens({ model, name }: OpenedModel, text: string, plan: EvalPlan, window: number): Promise<void> {
  const tokenizer = await model.tokenizer().catch(() => undefined);
  if (tokenizer === undefined) return;
  const { ids } = await planEval(tokenizer, text, { window });
  const at = plan.ids.findIndex((id, i) => id !== ids[i]);
  if (at === -1 && ids.length === plan.ids.length) return;
  const place = at === -1 ? `${ids.length} instead of ${plan.ids.length}` : `others from token ${at} on`;
  throw new EvaluationError({
    subject: "--against",
    expected: "the model's own tokens of the text",
    found: `${place} in ${name}`,
    remedy: "Choose another.",
  });
}

async function aboutRun({ model, name }: OpenedModel, signal: AbortSignal): Promise<EvaluatedRun> {
  const { backend, mode, kvType, quantize } = model.settings;
  const stated = quantize === undefined ? {} : { quantize };
  return { name, ...(await hashOf(model, signal)), backend, mode, kvType, ...stated };
}

function createProgress({ windows, shard }: EvalHeader, scores: readonly WindowScores[]) {
  const line = createProgressLine();
  const total = windowsOf(windows, shard).length;
  const [begin, before] = [performance.now(), scores.length];
  line.show(`Window 1 of ${formatInteger(total)}`);
  return {
    clear: line.clear,
    show() {
      const { perplexity, kl } = runningMeans(scores);
      const msEach = (performance.now() - begin) / (scores.length - before);
      const left = formatDuration(msEach * (total - scores.length));
      const divergence = kl === undefined ? "" : `, mean KL ${threeDigits(kl)}`;
      line.show(
        `${formatInteger(scores.length)} of ${formatInteger(total)} windows: perplexity ${threeDigits(perplexity)}${divergence}; ${left} left`,
      );
    },
  };
}

function print(report: EvalReport, { json }: { readonly json?: true }): void {
  const { stdout } = process;
  stdout.write(json ? evalJson(report) : harmless(stdout, evalText(report)));
}

async function merge(paths: readonly string[], flags: MergeFlags): Promise<void> {
  const { output, force } = flags;
  if (output !== undefined) await checkFree(output, force);
  const files: { name: string; file: Awaited<ReturnType<typeof readEvalFile>> }[] = [];
  for (const path of paths) files.push({ name: path, file: await readEvalFile(path) });
  const merged = mergeEvalFiles(files);
  const { header, scores } = merged;
  if (scores.length === 0) throw new EvaluationError({ subject: paths.join(", "), expected: "windows", found: "none" });
  if (output !== undefined) {
    await writeWhole(output, evalLine(header) + scores.map(evalLine).join(""));
    note(`Wrote ${output}.`);
  }
  print(merged, flags);
  const missing = missingWindows(header, scores);
  if (missing.length === 0) return;
  note(`Missing of ${formatInteger(header.windows)} windows: ${formatRanges(missing)}.`);
  process.exitCode = 1;
}
