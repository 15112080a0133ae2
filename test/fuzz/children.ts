// Cases played in child processes, some hundreds to a child: one that hangs, dies or takes too much memory is found by
// its number, and the next child goes on after it.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface Campaign {
  /** Of one case, 2 s by default; CI, whose machines are slow and shared, allows five times as much. */
  readonly limitMs?: number;
  /** 500 by default. */
  readonly casesPerChild?: number;
  readonly defaultCount: number;
  /** Loads what cases need. */
  prepare(): Promise<unknown>;
  /** @returns how the case ended, in a word or two; throws what counts as a failure */
  play(seed: number, number: number): Promise<string>;
  /** After the last case of a child, which has to end by itself then. */
  finish?(): Promise<void>;
}

const LIMIT_MS = 2000;
/** The most memory that one case may take: more than an idle child has, and than V8 leaves lying about. */
const LIMIT_BYTES = 300e6;
const CASES_PER_CHILD = 500;

/** Runs as parent, or as the child that it started: the same script, with other options. */
export async function runCampaign(script: string, campaign: Campaign): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      count: { type: "string" },
      only: { type: "string" },
      child: { type: "string" },
    },
  });
  const seed = integer("--seed", values.seed ?? String(Math.floor(Math.random() * 2 ** 31)));
  if (values.child !== undefined) {
    const [from, to] = values.child.split(":").map(Number);
    await playRange(campaign, seed, from, to);
    return;
  }
  const first = values.only === undefined ? 0 : integer("--only", values.only);
  const count = values.only === undefined ? integer("--count", values.count ?? String(campaign.defaultCount)) : 1;
  process.exitCode = await supervise(script, campaign, seed, first, first + count);
}

function integer(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0 && number < 2 ** 32) return number;
  throw new TypeError(`${option}: expected an integer, found ${text}.`);
}

/** The most memory this process has held: on Linux only. */
function peakBytes(): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1]) * 1024;
}

/** A line for each case: its number, then ok, or what was wrong with it. */
async function playRange(campaign: Campaign, seed: number, from: number, to: number): Promise<void> {
  process.on("unhandledRejection", (reason) => {
    console.log(`! unhandled rejection: ${reason instanceof Error ? reason.stack : reason}`);
  });
  await campaign.prepare();
  const idle = peakBytes();
  let allowed = idle + LIMIT_BYTES;
  console.log("ready");
  for (let number = from; number < to; number++) {
    // What earlier cases have left is not this one's.
    if (process.memoryUsage.rss() > idle + LIMIT_BYTES / 3) globalThis.gc?.();
    let ending: string;
    const begin = performance.now();
    try {
      ending = `ok ${await campaign.play(seed, number)}`;
    } catch (error) {
      ending = `failed: ${error instanceof Error ? error.stack?.split("\n").slice(0, 4).join(" | ") : error}`;
    }
    const ms = performance.now() - begin;
    const peak = peakBytes();
    if (ms > limitOf(campaign)) ending = `took ${Math.round(ms)} ms`;
    if (peak > allowed) {
      ending = `brought memory to ${Math.round(peak / 1e6)} MB, of ${Math.round(allowed / 1e6)}`;
      allowed = Number.POSITIVE_INFINITY;
    }
    console.log(`${number} ${ending}`);
  }
  await campaign.finish?.();
}

const limitOf = ({ limitMs = LIMIT_MS }: Campaign): number => (process.env.CI === undefined ? limitMs : 5 * limitMs);

/** @returns the exit code */
async function supervise(script: string, campaign: Campaign, seed: number, from: number, end: number): Promise<number> {
  console.log(`seed ${seed}: ${end - from} cases`);
  const begin = performance.now();
  const endings = new Map<string, number>();
  const failures: string[] = [];
  for (let next = from; next < end; ) {
    const to: number = Math.min(end, next + (campaign.casesPerChild ?? CASES_PER_CHILD));
    const child = startChild(script, seed, next, to);
    let said = performance.now();
    let isReady = false;
    // A case that hangs says nothing any more. Starting may take longer.
    const watch = setInterval(() => {
      if (performance.now() - said > 2 * limitOf(campaign) + (isReady ? 0 : 30_000)) child.kill("SIGKILL");
    }, 250);
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      said = performance.now();
      isReady = true;
      const [, number, ending] = /^(\d+) (.*)$/.exec(line) ?? [];
      if (number !== undefined) next = Number(number) + 1;
      if (ending?.startsWith("ok ")) endings.set(ending.slice(3), (endings.get(ending.slice(3)) ?? 0) + 1);
      else if (line !== "ready") fail(number === undefined ? `${next}: ${line}` : `${number}: ${ending}`);
    }
    clearInterval(watch);
    const code = await exitOf(child);
    if (code === "0") continue;
    fail(`${next}: the child ended with ${code}`);
    if (!isReady) break;
    next++;
  }
  function fail(failure: string): void {
    failures.push(failure);
    console.log(`case ${failure}\n  again: --seed ${seed} --only ${failure.split(":")[0]}`);
  }
  const shown = [...endings].sort(([, a], [, b]) => b - a).map(([ending, count]) => `${count} ${ending}`);
  console.log(shown.join(", "));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  // What was not played, because no child would start, has not passed.
  const passed = [...endings.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${passed} passed, ${failures.length} failed, in ${seconds} s`);
  return failures.length > 0 ? 1 : 0;
}

function startChild(script: string, seed: number, from: number, to: number): ChildProcess {
  const options = [
    ...process.execArgv,
    "--expose-gc",
    fileURLToPath(script),
    "--seed",
    String(seed),
    "--child",
    `${from}:${to}`,
  ];
  return spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
}

async function exitOf(child: ChildProcess): Promise<string> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once("exit", done));
  return String(child.exitCode ?? child.signalCode);
}
