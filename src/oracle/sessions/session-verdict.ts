// What the wrong steps of scenarios come to: a fault of sessions, by its name where one fits, or an error that needs none.

import { formatError } from "../../quantities.ts";
import type { Gap } from "../compare/gap.ts";
import type { SessionModel } from "./run-sessions.ts";
import { ALONE, type Scenario } from "./scenario.ts";
import {
  type AsSeen,
  type LogitsOf,
  type NamedFault,
  nameFault,
  rightAlone,
  type StepCheck,
  type WrongStep,
  wrongSteps,
} from "./session-check.ts";
import { faults } from "./suppositions.ts";

export interface SessionVerdict {
  /**
   * Different: the same ids alone are wrong, too, or rounding may explain what no fault does. Incomplete: nothing is wrong,
   * but of a scenario of which something was recorded, something is missing.
   */
  readonly verdict: "equal" | "session fault" | "different" | "incomplete";
  readonly findings: readonly Finding[];
  /** What may be said of the whole. */
  readonly remarks: readonly string[];
}

/** What is wrong first in one scenario. */
export interface Finding {
  readonly scenario: string;
  readonly action: number;
  readonly sequence: string;
  /** Several where they give the same logits; none where no fault does. */
  readonly faults: readonly NamedFault[];
  readonly says: readonly string[];
}

/**
 * @param scenarios  those that were checked, in order
 * @param open  the model that faults are tried on; undefined where there is none
 * @param asSeen  what was found is this much of the logits
 */
export async function judge(
  scenarios: readonly Scenario[],
  checks: readonly StepCheck[],
  found: LogitsOf,
  pad: number,
  open: () => Promise<SessionModel | undefined>,
  asSeen: AsSeen = (_, logits) => logits,
): Promise<SessionVerdict> {
  const wrong = wrongSteps(scenarios, checks);
  if (wrong.length === 0) {
    return { verdict: checks.every(({ passed }) => passed) ? "equal" : "incomplete", findings: [], remarks: [] };
  }
  const [[first]] = wrong;
  if (first.check === checks[0] && first.step.chunks.length === 1) {
    const finding = { ...placeOf(first.check), faults: [], says: [gapText(first), "Nothing came before it."] };
    return { verdict: "different", findings: [finding], remarks: [PLAIN] };
  }
  const on = await open();
  const find = async (one: WrongStep): Promise<Finding> => {
    const logits = (await found(one.check.name)) as Float32Array;
    const named = on === undefined ? [] : nameFault(on, one, logits, pad, asSeen);
    const says = [gapText(one), sinceText(one), ...besideText(one), ...named.map(faultText)];
    return { ...placeOf(one.check), faults: named, says };
  };
  const [ofAlone] = wrong.filter(([{ check }]) => check.scenario === ALONE);
  const alone = ofAlone && (await find(ofAlone[0]));
  // Where a fault of sessions shows in it, it tells nothing of the same ids elsewhere.
  const right = alone?.faults.length ? new Map<string, boolean>() : rightAlone(scenarios, checks);
  const isRightAlone = ({ chunk: { before, ids } }: WrongStep): boolean | undefined =>
    right.get([...before, ...ids].join());
  const findings: Finding[] = alone === undefined ? [] : [alone];
  let isSession = (alone?.faults.length ?? 0) > 0;
  for (const steps of wrong) {
    const one = steps.find((step) => isRightAlone(step) !== false);
    if (steps === ofAlone || one === undefined) continue;
    const finding = await find(one);
    findings.push(finding);
    isSession ||= finding.faults.length > 0 || !isWide(one);
  }
  const asked = wrong.flat().map(isRightAlone);
  const remarks = isSession ? remarksOn(findings, asked, on !== undefined) : [alone === undefined ? ROUNDED : PLAIN];
  return { verdict: isSession ? "session fault" : "different", findings, remarks };
}

const PLAIN =
  "Not a session fault as far as can be told: a sequence by itself is wrong. lfm2 compare finds out where and why.";
const ROUNDED =
  "No fault that is known gives these logits. So much may differ that they may be rounded, and a router may have chosen " +
  "another expert for it: record them in float32 to tell.";

/** Of float32's rounding it is more than that. */
const WIDE = 1e-3;

function isWide({ check: { gap, tolerance } }: WrongStep): boolean {
  return tolerance.atol > WIDE * Math.max(1, gap?.largest ?? 0);
}

/** @param asked  of each wrong step, whether its ids alone are right */
function remarksOn(findings: readonly Finding[], asked: readonly (boolean | undefined)[], isTried: boolean): string[] {
  const remarks: string[] = [];
  if (asked.every((right) => right === true)) remarks.push("The same ids alone agree.");
  else if (asked.includes(false)) remarks.push("Left out is what is wrong alone, too; lfm2 compare finds out why.");
  else if (asked.every((right) => right === undefined) && findings.every(({ scenario }) => scenario !== ALONE)) {
    remarks.push(`Whether the same ids alone agree is not known: scenario ${ALONE} was not checked.`);
  }
  if (!isTried) remarks.push("No model was there to try faults on: name it with -m.");
  else if (findings.some(({ faults }) => faults.length === 0)) {
    remarks.push("Where no fault is named, none of those that are known gives these logits.");
  }
  return remarks;
}

function placeOf({ scenario, action, sequence }: StepCheck) {
  return { scenario, action, sequence };
}

function gapText({ check: { gap, tolerance } }: WrongStep): string {
  const { notFinite, maxAbs, count } = gap as Gap;
  if (notFinite.actual > 0) return `${notFinite.actual} of its ${count} logits are NaN or infinite.`;
  return `Logits differ by up to ${formatError(maxAbs, 3)} (${formatError(tolerance.atol, 3)} allowed).`;
}

/** Where others of the step are right, that tells something, too. */
function besideText({ step, right }: WrongStep): string[] {
  if (right.length === 0) return [];
  const names = right.map(({ sequence }) => sequence).join(" and ");
  const isPadding = step.chunks.every((other) => (other.pads === 0) === right.includes(other));
  return [
    isPadding
      ? `Right is ${names}, wrong all that a batch would pad.`
      : `In the same step ${names} ${right.length === 1 ? "is" : "are"} right.`,
  ];
}

function sinceText({ chunk: { sequence, before, since, pads }, step: { chunks } }: WrongStep): string {
  const beside = chunks.filter((other) => other.sequence !== sequence).map((other) => other.sequence);
  const shorter = pads === 0 ? "" : `; it is ${countOf(pads)} shorter than the longest there`;
  const company = beside.length === 0 ? "" : `, in a step with ${beside.join(" and ")}${shorter}`;
  const count = countOf(before.length);
  switch (since.what) {
    case "begun":
      return `It begins here${company}.`;
    case "run":
      return `It goes on after ${count}${company}.`;
    case "rewound":
      return `It was rewound to ${count} just before, ${countOf(since.dropped.length)} having been rejected${company}.`;
    case "opened":
      return `It was opened just before with the first ${count} of ${since.from}${since.isRestored ? ", which had been closed" : ""}${company}.`;
  }
}

function countOf(ids: number): string {
  return ids === 1 ? "1 id" : `${ids} ids`;
}

function faultText({ fault, says, left }: NamedFault): string {
  return `${faults[fault]}: these are the logits, within ${formatError(left, 2)}, if ${says}.`;
}
