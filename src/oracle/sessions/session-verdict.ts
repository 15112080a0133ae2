// What the wrong steps of scenarios come to: a fault of sessions, by its name where one fits, or an error that needs none.

import { formatError } from "../../quantities.ts";
import type { Gap } from "../compare/gap.ts";
import type { SessionModel } from "./run-sessions.ts";
import type { Scenario } from "./scenario.ts";
import {
  firstWrong,
  type LogitsOf,
  type NamedFault,
  nameFault,
  type StepCheck,
  type WrongStep,
} from "./session-check.ts";
import { faults } from "./suppositions.ts";

/** In which every sequence runs by itself. */
const ALONE = "alone";

export interface SessionVerdict {
  /**
   * Different: a sequence is wrong although nothing came before it, so that sessions need not be at fault. Incomplete:
   * nothing is wrong, but of a scenario of which something was recorded, something is missing.
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
 */
export async function judge(
  scenarios: readonly Scenario[],
  checks: readonly StepCheck[],
  found: LogitsOf,
  pad: number,
  open: () => Promise<SessionModel | undefined>,
): Promise<SessionVerdict> {
  const wrong = firstWrong(scenarios, checks);
  if (wrong.length === 0) {
    return { verdict: checks.every(({ passed }) => passed) ? "equal" : "incomplete", findings: [], remarks: [] };
  }
  const [first] = wrong;
  if (first.check === checks[0] && first.step.chunks.length === 1) {
    const finding = { ...placeOf(first.check), faults: [], says: [gapText(first), "Nothing came before it."] };
    return { verdict: "different", findings: [finding], remarks: [PLAIN] };
  }
  const on = await open();
  const findings: Finding[] = [];
  for (const one of wrong) {
    const logits = await found(one.check.name);
    const named = on === undefined || logits === undefined ? [] : nameFault(on, one, logits, pad);
    findings.push({
      ...placeOf(one.check),
      faults: named,
      says: [gapText(one), sinceText(one), ...named.map(faultText)],
    });
  }
  const alone = findings.find(({ scenario }) => scenario === ALONE);
  if (alone?.faults.length === 0) return { verdict: "different", findings: [alone], remarks: [PLAIN] };
  return { verdict: "session fault", findings, remarks: remarksOn(checks, findings, on !== undefined) };
}

const PLAIN =
  "Not a session fault as far as can be told: a sequence by itself is wrong. lfm2 compare finds out where and why.";

function remarksOn(checks: readonly StepCheck[], findings: readonly Finding[], isTried: boolean): string[] {
  const alone = checks.filter(({ scenario }) => scenario === ALONE);
  const remarks =
    alone.length === 0
      ? [`Whether the same ids alone agree is not known: scenario ${ALONE} was not checked.`]
      : alone.every(({ passed }) => passed)
        ? ["The same ids alone agree."]
        : [];
  if (isTried && findings.some(({ faults }) => faults.length === 0)) {
    remarks.push("Where no fault is named, none of those that are known gives these logits.");
  }
  if (!isTried) remarks.push("No model was there to try faults on: name it with -m.");
  return remarks;
}

function placeOf({ scenario, action, sequence }: StepCheck) {
  return { scenario, action, sequence };
}

/** "logits differ by up to 3.1 (2e-4 allowed)". */
function gapText({ check: { gap, tolerance } }: WrongStep): string {
  const { notFinite, maxAbs, count } = gap as Gap;
  if (notFinite.actual > 0) return `${notFinite.actual} of its ${count} logits are NaN or infinite.`;
  return `Logits differ by up to ${formatError(maxAbs, 3)} (${formatError(tolerance.atol, 3)} allowed).`;
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
