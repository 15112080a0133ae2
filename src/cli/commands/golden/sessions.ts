// `lfm2 golden make --sessions`, and `lfm2 golden check` of what it wrote: what sequences do to each other.
import { Lfm2Error } from "../../../lfm2-error.ts";
import type { Config } from "../../../model/config.ts";
import type { GoldenTolerance } from "../../../oracle/golden/golden-manifest.ts";
import { isAddress } from "../../../oracle/served/completions-server.ts";
import { runServed } from "../../../oracle/served/served-sessions.ts";
import { readLogits, type SessionArrays } from "../../../oracle/sessions/read-logits.ts";
import { allTogether, type Pause } from "../../../oracle/sessions/run-sessions.ts";
import { logitsName, type Scenario, stepsOf } from "../../../oracle/sessions/scenario.ts";
import { SessionsError, scenariosFor } from "../../../oracle/sessions/scenarios.ts";
import { type AsSeen, checkSteps } from "../../../oracle/sessions/session-check.ts";
import { checkVocabulary, SESSIONS, type SessionManifest } from "../../../oracle/sessions/session-manifest.ts";
import { judge } from "../../../oracle/sessions/session-verdict.ts";
import { writeSessions } from "../../../oracle/sessions/write-sessions.ts";
import { formatDuration, formatInteger } from "../../../quantities.ts";
import { diskFolder, openFile } from "../../../sources/disk.ts";
import { nodePlatform } from "../../../worker/node-platform.ts";
import { describeError, UsageError } from "../../exit.ts";
import { besideGolden, sayOtherModel } from "../../files/golden-model.ts";
import { type OpenedSessions, openSessionModel } from "../../files/open-session-model.ts";
import { askServer } from "../../files/served-side.ts";
import type { ModelFlags } from "../../options/model-options.ts";
import { refuseFlags } from "../../options/refused-flags.ts";
import { type ReportFlags, writeReports } from "../../options/report-options.ts";
import { type ServerFlags, serverOptions } from "../../options/server-options.ts";
import { sessionOutcomes, sessionReport, sessionSummary } from "../../reports/session-report.ts";
import { harmless, note } from "../../terminal/terminal.ts";

interface MakeFlags extends ModelFlags {
  readonly output: string;
  readonly force?: true;
}

/** @param tolerances  those that were stated; by default those of goldens */
export async function makeSessions(
  flags: MakeFlags,
  tolerances: readonly GoldenTolerance[] | undefined,
  again: string,
  signal: AbortSignal,
): Promise<void> {
  const { output, force, model: source } = flags;
  const opened = await openSessionModel({ mode: "exact", ...flags }, scenariosFor, signal);
  const { name, scenarios } = opened;
  const pause = pausing(signal);
  await writeSessions(output, opened, scenarios, { name, force, tolerances, again, source, signal, pause });
  const steps = scenarios.reduce((sum, scenario) => sum + stepsOf(scenario).length, 0);
  note(`Wrote ${output}: ${scenarios.length} scenarios, ${formatInteger(steps)} steps.`);
}

interface CheckFlags extends ModelFlags, ReportFlags, ServerFlags {
  readonly trace?: string;
  readonly points?: string[];
  readonly case?: string;
  readonly map?: string;
}

/** @param flags  those of the model are what the golden says, unless stated */
export async function checkSessions(
  directory: string,
  sessions: SessionManifest,
  flags: CheckFlags,
  signal: AbortSignal,
): Promise<void> {
  refuseFlags({ "--points": flags.points, "--map": flags.map }, `${directory}, whose arrays its scenarios name`);
  const begin = performance.now();
  const scenarios = chosen(sessions.scenarios, flags.case);
  const folder = diskFolder(directory);
  const source = await folder.open(sessions.file, signal);
  if (source === undefined) {
    throw new UsageError({
      subject: directory,
      expected: `${JSON.stringify(sessions.file)}, which sessions.json names`,
      found: "no such file",
    });
  }
  try {
    const { logitsOf: expected } = await readLogits(source, undefined, signal);
    const width = (await expected(allNames(scenarios)[0]))?.length ?? 0;
    checkVocabulary(sessions, width, `${directory}, ${SESSIONS}`);
    const model = modelOnce(directory, sessions, width, flags, signal);
    const theirs = flags.trace === undefined || isAddress(flags.trace) ? undefined : await openFile(flags.trace);
    try {
      const ours = async (): Promise<Found> => runHere(await model.open(), scenarios, pausing(signal));
      const {
        names,
        logitsOf: found,
        asSeen = (_, logits) => logits,
        notes = [],
      }: Found = theirs !== undefined
        ? await readLogits(theirs, width, signal)
        : flags.trace === undefined
          ? await ours()
          : await runServed(
              await askServer(flags.trace, width, () => undefined, serverOptions(flags.trace, flags, signal)),
              scenarios,
              width,
              pausing(signal),
            );
      const seen = async (name: string): Promise<Float32Array | undefined> => {
        const logits = await expected(name);
        return logits && asSeen(name, logits);
      };
      const { checks, missing } = await checkSteps(scenarios, sessions.tolerances, seen, found);
      const known = new Set(allNames(sessions.scenarios));
      const unchecked = { missing, unknown: names.filter((name) => !known.has(name)) };
      const recorded = scenarios.filter(({ name }) => !missing.includes(name));
      const verdict = await judge(recorded, checks, found, sessions.pad, model.tryOpen, asSeen);
      const passed = verdict.verdict === "equal";
      const { stdout } = process;
      if (flags.json) stdout.write(`${JSON.stringify({ passed, ...verdict, checks, ...unchecked, notes }, null, 2)}\n`);
      else
        stdout.write(
          harmless(stdout, `${[...notes, ...sessionReport(sessions, checks, unchecked, verdict)].join("\n")}\n`),
        );
      const milliseconds = performance.now() - begin;
      const outcomes = sessionOutcomes(checks, verdict);
      const summary = passed ? undefined : sessionSummary(verdict).join("\n");
      await writeReports(flags, `golden ${directory}`, outcomes, milliseconds / 1000, summary);
      note(`Checked ${formatInteger(checks.length)} arrays of logits in ${formatDuration(milliseconds)}.`);
      if (!passed) process.exitCode = 1;
    } finally {
      await theirs?.close();
    }
  } finally {
    await source.close();
  }
}

/** Logits, or what was seen of them. */
interface Found extends SessionArrays {
  readonly asSeen?: AsSeen;
  readonly notes?: readonly string[];
}

function chosen(scenarios: readonly Scenario[], name: string | undefined): readonly Scenario[] {
  const found = name === undefined ? scenarios : scenarios.filter((scenario) => scenario.name === name);
  if (found.length > 0) return found;
  const known = scenarios.map((scenario) => scenario.name).join(", ");
  throw new UsageError({ subject: "--case", expected: `one of ${known}`, found: JSON.stringify(name) });
}

function allNames(scenarios: readonly Scenario[]): string[] {
  return scenarios.flatMap((scenario) =>
    stepsOf(scenario).flatMap(({ action, chunks }) =>
      chunks.map(({ sequence }) => logitsName(scenario.name, action, sequence)),
    ),
  );
}

/** The model that the golden or -m names, opened when it is first needed. */
function modelOnce(
  directory: string,
  sessions: SessionManifest,
  vocabSize: number,
  flags: CheckFlags,
  signal: AbortSignal,
) {
  const { model, run, scenarios } = sessions;
  let opening: Promise<OpenedSessions> | undefined;
  const stated = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const openNow = async (): Promise<OpenedSessions> => {
    const source = besideGolden(directory, model?.path);
    const scenariosOf = (config: Config): readonly Scenario[] => {
      if (config.vocabSize === vocabSize) return scenarios;
      const remedy = "Name the model that the sessions were made with.";
      throw new SessionsError({ subject: "vocab_size", expected: `${vocabSize}`, found: config.vocabSize, remedy });
    };
    const opened = await openSessionModel({ ...run, model: source, ...stated }, scenariosOf, signal);
    await sayOtherModel(sessions, opened, signal);
    return opened;
  };
  const open = (): Promise<OpenedSessions> => {
    opening ??= openNow();
    return opening;
  };
  return {
    open,
    /** Undefined, and said, where it cannot be opened: what is wrong can be told without it. */
    async tryOpen(): Promise<OpenedSessions | undefined> {
      try {
        return await open();
      } catch (error) {
        if (flags.model !== undefined || !(error instanceof Lfm2Error)) throw error;
        note(`No faults are tried: ${describeError(error)}`);
        return undefined;
      }
    },
  };
}

async function runHere(opened: OpenedSessions, scenarios: readonly Scenario[], pause: Pause): Promise<SessionArrays> {
  const logits = new Map<string, Float32Array>();
  for await (const [name, row] of allTogether(opened, scenarios, pause)) logits.set(name, row);
  return { names: [...logits.keys()], logitsOf: async (name) => logits.get(name) };
}

/** So that Ctrl-C is heard, on the one thread there is. */
function pausing(signal: AbortSignal): Pause {
  return async () => {
    await nodePlatform.nextTurn();
    signal.throwIfAborted();
  };
}
