// Logits of scenarios held against what they have to be: what is wrong first in each, and which fault makes that.
import { Lfm2Error } from "../../lfm2-error.ts";
import { type Gap, measureGap, type Tolerance } from "../compare/gap.ts";
import { parseGlob } from "../glob.ts";
import { type GoldenTolerance, largestOf, toleranceAt } from "../golden/golden-manifest.ts";
import type { SessionModel } from "./run-sessions.ts";
import {
  ALONE,
  type Chunk,
  leftBy,
  logitsName,
  type Neighbour,
  type Scenario,
  type ScenarioStep,
  stepsOf,
} from "./scenario.ts";
import { suppose } from "./suppose.ts";
import { type Fault, suppositions } from "./suppositions.ts";

/** Logits by name: one row, of the last id of a step. */
export type LogitsOf = (name: string) => Promise<Float32Array | undefined>;

/** What is seen of logits where something of that name was found: all of them, or what a server tells of them. */
export type AsSeen = (name: string, logits: Float32Array) => Float32Array;

/** One sequence in one step. */
export interface StepCheck {
  readonly scenario: string;
  readonly action: number;
  readonly sequence: string;
  readonly name: string;
  readonly tolerance: Tolerance;
  readonly reason: string;
  readonly passed: boolean;
  /** Undefined where nothing was found. */
  readonly gap?: Gap;
}

/** Scenarios cannot be checked as it was asked for. */
export class SessionCheckError extends Lfm2Error {
  override readonly name = "SessionCheckError";
}

/** What was wrong first in a scenario. */
export interface WrongStep {
  readonly check: StepCheck;
  readonly step: ScenarioStep;
  readonly chunk: Chunk;
  /** Those of the same step that are right. */
  readonly right: readonly Chunk[];
  /** What the scenario before may have left in its slots. */
  readonly earlier: readonly Neighbour[];
}

/**
 * Every step of the scenarios of which something was found.
 * @throws SessionCheckError when nothing was found, or a step has no expected logits or no tolerance
 */
export async function checkSteps(
  scenarios: readonly Scenario[],
  tolerances: readonly GoldenTolerance[],
  expected: LogitsOf,
  found: LogitsOf,
): Promise<{ readonly checks: StepCheck[]; readonly missing: string[] }> {
  const rules = tolerances.map((rule) => ({ rule, pattern: parseGlob(rule.points) }));
  const checks: StepCheck[] = [];
  const missing: string[] = [];
  for (const scenario of scenarios) {
    const own: StepCheck[] = [];
    for (const { action, chunks } of stepsOf(scenario)) {
      for (const { sequence } of chunks) {
        const name = logitsName(scenario.name, action, sequence);
        const rule = rules.find(({ pattern }) => pattern.test(name))?.rule;
        const want = await expected(name);
        if (want === undefined || rule === undefined) {
          const what = want === undefined ? "expected logits" : "a tolerance";
          throw new SessionCheckError({
            subject: name,
            expected: what,
            found: "none",
            remedy: "Make the sessions again.",
          });
        }
        const tolerance = toleranceAt(rule, largestOf(want));
        const have = await found(name);
        const gap = have && measureGap(have, want, tolerance);
        const passed = gap?.mismatched === 0;
        own.push({ scenario: scenario.name, action, sequence, name, tolerance, reason: rule.reason, passed, gap });
      }
    }
    if (own.some(({ gap }) => gap)) checks.push(...own);
    else missing.push(scenario.name);
  }
  if (checks.length > 0) return { checks, missing };
  const [first] = stepsOf(scenarios[0]);
  const name = logitsName(scenarios[0].name, first.action, first.chunks[0].sequence);
  throw new SessionCheckError({
    subject: "recording",
    expected: `logits by the names of the steps, such as ${name}`,
    found: "none",
    remedy: "docs/oracle.md has a replay that writes them.",
  });
}

/** The wrong steps of every scenario that has some, in order; what is missing is not wrong. */
export function wrongSteps(scenarios: readonly Scenario[], checks: readonly StepCheck[]): WrongStep[][] {
  const wrong = scenarios.map((scenario, index) => {
    const own = checks.filter((one) => one.scenario === scenario.name);
    const earlier = index === 0 ? [] : leftBy(scenarios[index - 1]);
    return stepsOf(scenario).flatMap((step) => {
      const ofStep = own.filter(({ action }) => action === step.action);
      const right = step.chunks.filter((_, i) => ofStep[i].passed);
      return step.chunks.flatMap((chunk, i): WrongStep[] => {
        const check = ofStep[i];
        return check.gap && !check.passed ? [{ check, step, chunk, right, earlier }] : [];
      });
    });
  });
  return wrong.filter(({ length }) => length > 0);
}

/** By ids, joined: whether a sequence of these alone, in one step, is right. */
export function rightAlone(scenarios: readonly Scenario[], checks: readonly StepCheck[]): Map<string, boolean> {
  const steps = scenarios.filter(({ name }) => name === ALONE).flatMap((scenario) => stepsOf(scenario));
  const own = checks.filter(({ scenario }) => scenario === ALONE);
  return new Map(
    steps.flatMap(({ chunks }) => chunks.map(({ ids }) => ids.join())).map((ids, i) => [ids, own[i]?.passed === true]),
  );
}

/** A fault whose logits are those that were found. */
export interface NamedFault {
  readonly fault: Fault;
  readonly says: string;
  /** What it leaves of the difference: the largest one. */
  readonly left: number;
}

/**
 * The faults that give what was found, within the tolerance, and that leave less than a tenth of the difference; of each
 * kind the one that leaves least.
 */
export function nameFault(
  on: SessionModel,
  { step, chunk, check, earlier }: WrongStep,
  found: Float32Array,
  pad: number,
  asSeen: AsSeen,
): NamedFault[] {
  const { gap, tolerance } = check;
  const room = on.sequences[0].capacity - chunk.ids.length;
  const named = new Map<Fault, NamedFault>();
  for (const one of suppositions(chunk, step, pad, earlier)) {
    if (Math.max(one.conv.length, one.kv.length + (one.zeros ?? 0)) > room) continue;
    const { maxAbs: left, mismatched } = measureGap(found, asSeen(check.name, suppose(on, one, chunk.ids)), tolerance);
    const isNearer = left < (named.get(one.fault)?.left ?? Number.POSITIVE_INFINITY);
    if (mismatched > 0 || gap === undefined || left > gap.maxAbs / 10 || !isNearer) continue;
    named.set(one.fault, { fault: one.fault, says: one.says, left });
  }
  return [...named.values()].sort((x, y) => x.left - y.left);
}
