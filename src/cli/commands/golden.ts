// `lfm2 golden check`: whether a run keeps to expected tensors, within their tolerances.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
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
import { type GoldenCase, type GoldenManifest, readGolden } from "../../oracle/golden/golden-manifest.ts";
import { readPublished } from "../../oracle/published/entry.ts";
import { isAddress, type ServerOptions } from "../../oracle/served/completions-server.ts";
import { checkServed } from "../../oracle/served/served-golden.ts";
import { readSessions } from "../../oracle/sessions/session-manifest.ts";
import { formatDuration, formatInteger } from "../../quantities.ts";
import { diskFolder } from "../../sources/disk.ts";
import { asTrouble, UsageError } from "../exit.ts";
import { besideGolden, sayOtherModel } from "../files/golden-model.ts";
import { openModel } from "../files/open-model.ts";
import { openRecorded } from "../files/recorded-files.ts";
import { askServer } from "../files/served-side.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { refuseFlags, runFlags } from "../options/refused-flags.ts";
import { addReportOptions, checkReports, type ReportFlags, writeReports } from "../options/report-options.ts";
import { addServerOptions, type ServerFlags, serverOptions } from "../options/server-options.ts";
import { failureOf, failuresText, goldenReport, othersText } from "../reports/golden-report.ts";
import { abortOnInterrupt } from "../signals.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { harmless, note } from "../terminal/terminal.ts";
import { makeCommand } from "./golden/make.ts";
import { runPublished } from "./golden/published.ts";
import { checkSessions } from "./golden/sessions.ts";
import { aboutTrace } from "./trace.ts";

export interface CheckFlags extends ModelFlags, ReportFlags, ServerFlags {
  readonly points?: string[];
  readonly trace?: string;
  readonly case?: string;
  readonly map?: string;
  readonly json?: true;
}

const checkExamples = `
Examples:
  $ lfm2 golden check golden/hello
  $ lfm2 golden check golden/hello -m LFM2-8B-A1B-Q4_0.gguf --mode int8
  $ lfm2 golden check golden/hello --trace my-runtime.safetensors --points lm_head
  $ lfm2 golden check golden/sessions --trace replayed.safetensors
  $ lfm2 golden check golden/sessions --trace http://127.0.0.1:8080/v1/completions
  $ lfm2 golden check golden/published -m LFM2-8B-A1B-Q4_K_M.gguf

--trace takes what another program has written: a directory of lfm2 trace, safetensors, .npz, .npy or raw .bin (see lfm2
compare --help), or the address of a server that speaks OpenAI's /v1/completions: of each case's ids its log-probabilities are
compared, of scenarios those after each step, and what it did not tell is said. The points that both have are compared, and the others listed; those that --points names have to be
there. Of a directory with published.json, what others have published of the model's file, by its hash, name or vocabulary, is
tried, and said what it proves. Of one with sessions.json, scenarios of several sequences are run, or looked up in --trace; a
fault is named by running on the model, which -m may name beside --trace, what it would have remembered. Exit codes: 0 within
every tolerance, 1 not, 2 wrong usage or nothing to compare.`;

export function goldenCommand(): Command {
  const check = new Command("check")
    .description("hold a run against expected values")
    .argument("<directory>", "a golden")
    .option(
      "--trace <path or address>",
      "check what another program has written, or a server's /v1/completions answers, instead of running a model",
    )
    .option("--points <globs...>", "check these points only")
    .option("--case <name>", "check this case only")
    .option("--map <name or file>", "names of the recorded points: hf, llama.cpp, mlx-lm, or a JSON file")
    .option("--json", "print one JSON object instead of a table")
    .option("--force", "replace a file that is there");
  addReportOptions(addServerOptions(check));
  addModelOptions(check)
    .addHelpText("after", checkExamples)
    .action((directory, flags) =>
      runCheck(directory, flags).catch((error: unknown) => {
        throw asTrouble(error);
      }),
    );
  return new Command("golden")
    .description("make expected values, or check a run against them")
    .addCommand(makeCommand())
    .addCommand(check);
}

async function runCheck(directory: string, flags: CheckFlags): Promise<void> {
  await checkReports(flags);
  const signal = abortOnInterrupt();
  const begin = performance.now();
  const folder = diskFolder(placeOf(directory));
  const asked = serverOptions(flags.trace, flags, signal);
  const sessions = await readSessions(folder, signal);
  if (sessions !== undefined) return checkSessions(directory, sessions, flags, signal);
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
  const address = flags.trace !== undefined && isAddress(flags.trace) ? flags.trace : undefined;
  if (address !== undefined) refuseFlags({ "--map": flags.map }, "a server, whose log-probabilities need no names");
  const published = await readPublished(folder, signal);
  if (published !== undefined) return runPublished(directory, published, flags, signal);
  const golden = await readGolden(folder, signal);
  const cases = casesOf(golden, flags.case);
  const { checks, missing, unknown, notes } =
    flags.trace === undefined
      ? { ...NOTHING_ELSE, checks: await checkOurs(directory, golden, cases, flags, signal) }
      : address !== undefined
        ? await checkServer(directory, golden, cases, address, flags, asked)
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

/** The published facts that come with this package are found from any folder; one of that name there comes before. */
function placeOf(directory: string): string {
  const isOurs = /^golden[/\\]published[/\\]?$/.test(directory) && !existsSync(directory);
  return isOurs ? fileURLToPath(new URL("../../../golden/published", import.meta.url)) : directory;
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
    const source = flags.model ?? besideGolden(directory, one.model ?? golden.model?.path);
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

/** Every case; the server is asked anew for each, as models of several vocabularies may be behind one address. */
async function checkServer(
  directory: string,
  golden: GoldenManifest,
  cases: readonly GoldenCase[],
  address: string,
  { points }: CheckFlags,
  asked: ServerOptions,
): Promise<RunCheck> {
  const all: RunCheck[] = [];
  for (const one of cases) {
    const expected = await openCase(diskFolder(directory), golden, one, asked.signal);
    try {
      const ask = (vocabSize: number) => askServer(address, vocabSize, () => undefined, asked);
      all.push(await checkServed(ask, one, expected, golden.tolerances, points).catch(aboutPoints));
    } finally {
      await expected.close();
    }
  }
  return {
    checks: all.flatMap(({ checks }) => checks),
    missing: [...new Set(all.flatMap(({ missing }) => missing))],
    unknown: [],
    notes: all.flatMap(({ notes }) => notes),
  };
}

function aboutPoints(error: unknown): never {
  throw aboutTrace(error);
}
