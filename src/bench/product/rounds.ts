// Runs a plan, round by round. Settings take turns within a round, so that a change of the machine's speed affects
// all of them.
import { setTimeout } from "node:timers/promises";
import { createReadLimit, type ReadLimit } from "../read-limit/read-limit.ts";
import { type Contender, openContender, type Progress } from "./contender.ts";
import { machineFacts } from "./machine.ts";
import type { BenchPlan } from "./plan.ts";
import type { Row, Run, SettingFacts } from "./run.ts";
import { computingIn, labelOf, nameOf, type Test } from "./settings.ts";
import { spreadOf } from "./statistics.ts";
import { tokenTraffic } from "./traffic.ts";

export interface BenchOutcome {
  /** What was found until the end, or until it stopped. */
  readonly run: Run;
  /** Why it stopped before its end: the signal's reason, or what failed. */
  readonly stopped?: { readonly cause: unknown };
}

/** What one test of one setting has given so far. */
interface Figures {
  readonly tokensPerSecond: number[];
  readonly ofReadLimit: number[];
  readonly ofPlain: number[];
  peakBytes: number;
}

/** Threads of a setting that has had its turn spin for a while before they sleep. */
const REST_MS = 100;

export async function runBench(
  plan: BenchPlan,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<BenchOutcome> {
  const { source, filling, tests, settings, rounds } = plan;
  const opened: (Contender | undefined)[] = settings.map(() => undefined);
  const known: (SettingFacts | undefined)[] = settings.map(() => undefined);
  const figures = settings.map(() =>
    tests.map((): Figures => ({ tokensPerSecond: [], ofReadLimit: [], ofPlain: [], peakBytes: 0 })),
  );
  const limits = new Map<number, number[]>();
  const bytesPerToken = ({ kvType }: Pick<SettingFacts, "kvType">, test: Test): number =>
    tokenTraffic(plan.config, plan.model.bytesPerToken, kvType, test);
  let readLimit: ReadLimit | undefined;
  let where = "";

  const onStep = ({ phase, done, total }: Progress): void => {
    const share = Math.floor((100 * done) / Math.max(1, total));
    onProgress(`${where}: ${phase === "load" ? "loading" : `filling ${total} positions`}, ${share} %`);
  };
  const open = async (index: number): Promise<Contender> => {
    const { contextLength } = settings[index];
    const contender =
      opened[index] ??
      (await openContender({ source, options: settings[index], filling }, { signal, onProgress: onStep }));
    opened[index] = contender;
    const { setting, reservedBytes, loadMs } = contender;
    known[index] ??= { ...setting, contextLength: contextLength as number, reservedBytes, loadMs, peakBytes: 0 };
    return contender;
  };
  const close = async (index: number): Promise<void> => {
    const contender = opened[index];
    opened[index] = undefined;
    await contender?.close();
  };
  /** What threads can read at this moment. */
  const measureLimit = async (threads: number): Promise<number> => {
    readLimit ??= await createReadLimit(plan.threads);
    const limit = await readLimit.measure(threads);
    limits.set(threads, [...(limits.get(threads) ?? []), limit]);
    return limit;
  };
  const measure = async (round: number, index: number, test: Test): Promise<void> => {
    where = `round ${round} of ${rounds}, ${labelOf(known[index] ?? settings[index])}, ${nameOf(test)}`;
    onProgress(where);
    const contender = await open(index);
    await setTimeout(REST_MS, undefined, { signal });
    const reads = test.kind === "decode" && test.right === undefined;
    const limit = reads ? await measureLimit(computingIn(contender.setting, test)) : undefined;
    const { tokensPerSecond, ofPlain, peakBytes } = await contender.measure(test);
    const found = figures[index][tests.indexOf(test)];
    found.tokensPerSecond.push(tokensPerSecond);
    if (ofPlain !== undefined) found.ofPlain.push(ofPlain);
    if (limit !== undefined) found.ofReadLimit.push((tokensPerSecond * bytesPerToken(contender.setting, test)) / limit);
    found.peakBytes ||= peakBytes;
    const facts = known[index] as SettingFacts;
    known[index] = { ...facts, peakBytes: Math.max(facts.peakBytes, peakBytes) };
  };
  const measureAll = async (): Promise<void> => {
    for (let round = 1; round <= rounds; round++) {
      if (plan.together) {
        for (const test of tests) for (const index of settings.keys()) await measure(round, index, test);
        continue;
      }
      for (const index of settings.keys()) {
        for (const test of tests) await measure(round, index, test);
        await close(index);
      }
    }
  };

  let stopped: BenchOutcome["stopped"];
  try {
    await measureAll();
  } catch (cause) {
    stopped = { cause: signal.aborted ? signal.reason : cause };
  } finally {
    await Promise.all([...settings.keys()].map(close));
    await readLimit?.close();
  }
  const rowOf =
    (index: number) =>
    (test: Test, i: number): Row[] => {
      const { tokensPerSecond, ofReadLimit, ofPlain, peakBytes } = figures[index][i];
      const facts = known[index];
      if (facts === undefined || tokensPerSecond.length === 0) return [];
      const { mode, kernels, threads, computing, kvType } = facts;
      const row = {
        mode,
        kernels,
        threads,
        computing,
        kvType,
        ...test,
        tokensPerSecond: spreadOf(tokensPerSecond),
        peakBytes,
      };
      if (test.kind === "prefill") return [row];
      if (test.right !== undefined) return [{ ...row, ofPlain: spreadOf(ofPlain) }];
      return [{ ...row, ofReadLimit: spreadOf(ofReadLimit), bytesPerToken: bytesPerToken(facts, test) }];
    };
  const run: Run = {
    kind: "lfm2 bench",
    date: new Date().toISOString(),
    machine: machineFacts(),
    model: plan.model,
    rounds,
    complete: stopped === undefined,
    filling,
    readLimits: [...limits]
      .sort(([a], [b]) => a - b)
      .map(([threads, found]) => ({ threads, bytesPerSecond: spreadOf(found) })),
    rows: [...settings.keys()].flatMap((index) => tests.flatMap(rowOf(index))),
    settings: known.filter((facts) => facts !== undefined),
    notes: plan.notes,
  };
  return { run, stopped };
}
