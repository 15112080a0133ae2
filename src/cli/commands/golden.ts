// `lfm2 golden make` and `lfm2 golden check`: expected tensors with tolerances, and whether a run keeps to them.
import { join } from "node:path";
import { Command } from "commander";
import {
  caseOf,
  checkModel,
  checkRun,
  createChecker,
  openCase,
  type PointCheck,
  type RunCheck,
} from "../../oracle/golden/golden-check.ts";
import {
  type GoldenCase,
  type GoldenManifest,
  type GoldenTolerance,
  readGolden,
} from "../../oracle/golden/golden-manifest.ts";
import { defaultTolerances, goldenPoints, writeGolden } from "../../oracle/golden/write-golden.ts";
import { readPublished } from "../../oracle/published/entry.ts";
import { planTrace } from "../../oracle/trace/trace-plan.ts";
import { hashOf } from "../../oracle/trace/write-trace.ts";
import { formatBytes, formatDuration, formatInteger } from "../../quantities.ts";
import { diskFolder } from "../../sources/disk.ts";
import { asTrouble, UsageError } from "../exit.ts";
import { openModel } from "../files/open-model.ts";
import { openRecorded } from "../files/recorded-files.ts";
import { addInputOptions, type InputFlags, inputIds, statedInput } from "../options/input-options.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { numberOrText } from "../options/option-values.ts";
import { refuseFlags, runFlags } from "../options/refused-flags.ts";
import { addReportOptions, checkReports, type ReportFlags, writeReports } from "../options/report-options.ts";
import { addTraceChoice, type TraceChoiceFlags } from "../options/trace-choice.ts";
import { failureOf, failuresText, goldenReport, othersText } from "../reports/golden-report.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { harmless, note } from "../terminal/terminal.ts";
import { runPublished } from "./golden-published.ts";
import { aboutTrace, choosing, EXACT_UNLESS } from "./trace.ts";

interface MakeFlags extends ModelFlags, InputFlags, TraceChoiceFlags {
  readonly output: string;
  readonly atol?: number;
  readonly rtol?: number;
  readonly reason?: string;
  readonly force?: true;
}

export interface CheckFlags extends ModelFlags, ReportFlags {
  readonly points?: string[];
  readonly trace?: string;
  readonly case?: string;
  readonly map?: string;
  readonly json?: true;
}

const makeExamples = `
Examples:
  $ lfm2 golden make --chat "Hello!" -o golden/hello
  $ lfm2 golden make -m LFM2-8B-A1B-Q4_0.gguf --ids 1,2,3 --points lm_head "**.gate.*" -o golden/routing
  $ lfm2 golden make --ids 1,2,3 --backend reference --atol 1e-4 --reason "bfloat16 weights" -o golden/loose

${EXACT_UNLESS} The directory holds golden.safetensors and golden.json: the ids, the
model and its SHA-256, and tolerances with their reasons, which may be edited.`;

const checkExamples = `
Examples:
  $ lfm2 golden check golden/hello
  $ lfm2 golden check golden/hello -m LFM2-8B-A1B-Q4_0.gguf --mode int8
  $ lfm2 golden check golden/hello --trace my-runtime.safetensors --points lm_head
  $ lfm2 golden check golden/published -m LFM2-8B-A1B-Q4_K_M.gguf

--trace takes what another program has written: a directory of lfm2 trace, safetensors, .npz, .npy or raw .bin (see lfm2
compare --help). The points that both have are compared, and the others listed; those that --points names have to be
there. Of a directory with published.json, what others have published of the model's file, by its hash, name or vocabulary, is
tried, and said what it proves. Exit codes: 0 within every tolerance, 1 not, 2 wrong usage or
nothing to compare.`;

export function goldenCommand(): Command {
  const make = new Command("make").description("write a run's tensors as expected values");
  addInputOptions(make).requiredOption("-o, --output <directory>", "the directory to write; new, or empty");
  addTraceChoice(make, "the output of every layer, routers, logits")
    .option("--atol <number>", "absolute difference to allow, instead of one by the arithmetic", tolerance("--atol"))
    .option("--rtol <number>", "difference to allow in parts of the expected number", tolerance("--rtol"))
    .option("--reason <text>", "why so much is allowed")
    .option("--force", "replace a golden that is there");
  addModelOptions(make, { mode: "exact" }).addHelpText("after", makeExamples).action(runMake);

  const check = new Command("check")
    .description("hold a run against expected values")
    .argument("<directory>", "a golden")
    .option("--trace <path>", "check what another program has written, instead of running a model")
    .option("--points <globs...>", "check these points only")
    .option("--case <name>", "check this case only")
    .option("--map <name or file>", "names of the recorded points: hf, llama.cpp, mlx-lm, or a JSON file")
    .option("--json", "print one JSON object instead of a table")
    .option("--force", "replace a file that is there");
  addReportOptions(check);
  addModelOptions(check)
    .addHelpText("after", checkExamples)
    .action((directory, flags) =>
      runCheck(directory, flags).catch((error: unknown) => {
        throw asTrouble(error);
      }),
    );
  return new Command("golden")
    .description("make expected values, or check a run against them")
    .addCommand(make)
    .addCommand(check);
}

function tolerance(flag: string): (text: string) => number {
  return (text) => {
    const value = numberOrText(text);
    if (typeof value === "number" && value >= 0) return value;
    throw new UsageError({ subject: flag, expected: "a number from 0, such as 1e-4", found: JSON.stringify(text) });
  };
}

async function runMake(flags: MakeFlags): Promise<void> {
  const { output, positions, atol, rtol, reason, force } = flags;
  statedInput("golden make", flags);
  if ((atol !== undefined || rtol !== undefined) !== (reason !== undefined)) {
    throw new UsageError({
      subject: "--reason",
      expected: "one with --atol or --rtol, and only then",
      found: reason === undefined ? "none" : "one alone",
      remedy: "A tolerance states its reason.",
    });
  }
  const signal = abortOnInterrupt();
  const opened = await openModel({ mode: "exact", ...flags }, signal);
  const { model, name } = opened;
  try {
    const ids = await inputIds(opened, flags);
    const points = flags.points ?? goldenPoints(model.config);
    const plan = choosing(() => planTrace(model.config, ids.length, { points, positions }));
    note(computationLine(model.settings));
    const progress = createPrefillProgress();
    const own: GoldenTolerance[] =
      reason === undefined ? [] : [{ points: "**", atol: atol ?? 0, rtol: rtol ?? 0, reason }];
    const [experts, numbers] = defaultTolerances(model.settings);
    const { onProgress } = progress;
    await writeGolden(output, model, ids, {
      points,
      positions,
      name,
      force,
      signal,
      onProgress,
      tolerances: [experts, ...(own.length > 0 ? own : [numbers])],
      source: flags.model,
      again: commandLine(),
    })
      .catch((error: unknown) => {
        throw aboutTrace(error);
      })
      .finally(progress.clear);
    note(`Wrote ${output}: ${formatInteger(plan.points.length)} tensors, ${formatBytes(plan.bytes)}.`);
  } finally {
    await model.close();
  }
}

/** What was typed, as a shell would read it again. */
function commandLine(): string {
  const quoted = process.argv.slice(2).map((text) => {
    return /^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  });
  return ["lfm2", ...quoted].join(" ");
}

async function runCheck(directory: string, flags: CheckFlags): Promise<void> {
  if (flags.trace !== undefined && flags.model !== undefined) {
    throw new UsageError({
      subject: "--trace",
      expected: "a recorded run or a model",
      found: "both",
      remedy: "Leave --trace or -m out.",
    });
  }
  if (flags.trace === undefined) refuseFlags({ "--map": flags.map }, "a model, whose points have the golden's names");
  else refuseFlags(runFlags(flags), "--trace, for nothing is run");
  await checkReports(flags);
  const signal = abortOnInterrupt();
  const begin = performance.now();
  const published = await readPublished(diskFolder(directory), signal);
  if (published !== undefined) return runPublished(directory, published, flags, signal);
  const golden = await readGolden(diskFolder(directory), signal);
  const cases = casesOf(golden, flags.case);
  const { checks, missing, unknown, notes } =
    flags.trace === undefined
      ? { ...NOTHING_ELSE, checks: await checkOurs(directory, golden, cases, flags, signal) }
      : await checkForeign(directory, golden, cases, flags.trace, flags, signal);
  const passed = checks.every((check) => check.passed);
  const { stdout } = process;
  if (flags.json) stdout.write(`${JSON.stringify({ passed, checks, missing, unknown, notes }, null, 2)}\n`);
  else
    stdout.write(
      harmless(stdout, `${[...notes, ...goldenReport(golden, checks), ...othersText(missing, unknown)].join("\n")}\n`),
    );
  const milliseconds = performance.now() - begin;
  const outcomes = checks.map((check) => ({ group: check.case, name: check.name, failure: failureOf(check) }));
  await writeReports(flags, `golden ${directory}`, outcomes, milliseconds / 1000, failuresText(checks));
  note(`Checked ${formatInteger(checks.length)} tensors in ${formatDuration(milliseconds)}.`);
  if (!passed) process.exitCode = 1;
}

const NOTHING_ELSE = { missing: [], unknown: [], notes: [] };

function casesOf({ cases }: GoldenManifest, name: string | undefined): readonly GoldenCase[] {
  if (name === undefined) return cases;
  const found = cases.filter((known) => known.name === name);
  if (found.length > 0) return found;
  const known = cases.map((one) => one.name).join(", ");
  throw new UsageError({ subject: "--case", expected: `one of ${known}`, found: JSON.stringify(name) });
}

/** Every case on the model that it names, or on the one that -m names; cases of one model share it. */
async function checkOurs(
  directory: string,
  golden: GoldenManifest,
  cases: readonly GoldenCase[],
  flags: CheckFlags,
  signal: AbortSignal,
): Promise<PointCheck[]> {
  const sources = new Map<string | undefined, GoldenCase[]>();
  for (const one of cases) {
    const stated = one.model ?? golden.model?.path;
    const beside = stated === undefined || /^https?:/.test(stated) ? stated : join(directory, stated);
    const source = flags.model ?? beside;
    sources.set(source, [...(sources.get(source) ?? []), one]);
  }
  const checks: PointCheck[] = [];
  for (const [source, own] of sources) {
    // The reference knows no other mode, and what its cache holds is the golden's to say.
    const opened = await openModel({ ...golden.run, ...stated(flags), model: source }, signal);
    try {
      note(computationLine(opened.model.settings));
      await sayOtherModel(golden, opened.model, signal);
      for (const one of own) {
        const expected = await openCase(diskFolder(directory), golden, one, signal);
        try {
          const checker = await createChecker(expected, one, golden.tolerances, flags.points).catch(aboutPoints);
          checks.push(...(await checkModel(opened.model, one, checker, signal)));
        } finally {
          await expected.close();
        }
      }
    } finally {
      await opened.model.close();
    }
  }
  return checks;
}

function stated(flags: CheckFlags): ModelFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

async function sayOtherModel(
  { model: expected }: GoldenManifest,
  model: Parameters<typeof hashOf>[0],
  signal: AbortSignal,
): Promise<void> {
  if (expected?.sha256 === undefined) return;
  const { sha256, sha256Of } = await hashOf(model, signal);
  if (sha256Of !== expected.sha256Of || sha256 === expected.sha256) return;
  note(
    `Another file than the golden's ${expected.name}: SHA-256 ${sha256.slice(0, 12)}…, made with ${expected.sha256.slice(0, 12)}…`,
  );
}

async function checkForeign(
  directory: string,
  golden: GoldenManifest,
  cases: readonly GoldenCase[],
  path: string,
  { points, map }: CheckFlags,
  signal: AbortSignal,
): Promise<RunCheck> {
  const run = await openRecorded(path, map, signal);
  try {
    const one = caseOf(run, cases);
    const expected = await openCase(diskFolder(directory), golden, one);
    try {
      const checker = await createChecker(expected, one, golden.tolerances, points).catch(aboutPoints);
      return await checkRun(run, one, checker, points !== undefined);
    } finally {
      await expected.close();
    }
  } finally {
    await run.close();
  }
}

function aboutPoints(error: unknown): never {
  throw aboutTrace(error);
}
