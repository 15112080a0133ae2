// What came of session scenarios, in words and as outcomes of tests.

import { alignColumns } from "../../columns.ts";
import type { StepCheck } from "../../oracle/sessions/session-check.ts";
import type { SessionManifest } from "../../oracle/sessions/session-manifest.ts";
import type { Finding, SessionVerdict } from "../../oracle/sessions/session-verdict.ts";
import { faults } from "../../oracle/sessions/suppositions.ts";
import { formatError } from "../../quantities.ts";
import type { Outcome } from "./junit.ts";

/** What only one of the two has. */
export interface Unchecked {
  /** Scenarios of which nothing was recorded. */
  readonly missing: readonly string[];
  /** Arrays whose names belong to no step. */
  readonly unknown: readonly string[];
}

/** A line for each scenario, then the verdict. */
export function sessionReport(
  { made, scenarios }: Pick<SessionManifest, "made" | "scenarios">,
  checks: readonly StepCheck[],
  { missing, unknown }: Unchecked,
  verdict: SessionVerdict,
): string[] {
  const rows = scenarios.flatMap(({ name }) => {
    const own = checks.filter(({ scenario }) => scenario === name);
    if (own.length === 0) return [];
    const wrong = own.filter(({ passed }) => !passed).length;
    const worst = Math.max(...own.map(({ gap }) => gap?.maxAbs ?? 0));
    const least = Math.min(...own.map(({ tolerance }) => tolerance.atol));
    return [
      [name, String(own.length), formatError(worst, 3), formatError(least, 3), wrong === 0 ? "ok" : `${wrong} outside`],
    ];
  });
  const header = ["scenario", "logits", "largest difference", "allowed", ""];
  return [
    `Expected values by ${made.by}`,
    ...alignColumns([header, ...rows], "lrrrl"),
    ...listed("Not recorded, and so not checked", missing),
    ...listed("In no scenario", unknown),
    ...listed(
      "Missing from scenarios that were recorded",
      checks.filter(({ gap }) => gap === undefined).map(({ name }) => name),
    ),
    ...(verdict.verdict === "equal" ? [] : ["", ...sessionSummary(verdict)]),
  ];
}

function listed(what: string, names: readonly string[]): string[] {
  const shown = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), "…"] : names;
  return names.length === 0 ? [] : [`${what}: ${shown.join(", ")}`];
}

/** Of a list; a file may hold any number. */
const MOST_NAMES = 20;

/** The verdict, where something is wrong: what, and in which step first, scenario by scenario. */
export function sessionSummary({ verdict, findings, remarks }: SessionVerdict): string[] {
  const named = [...new Set(findings.flatMap(({ faults: own }) => (own.length === 0 ? [] : [namesOf(own)])))];
  const cause = named.length === 0 ? "cause not known" : named.join("; and ");
  const heads = {
    equal: "Equal.",
    incomplete: "Incomplete.",
    different: "Different.",
    "session fault": `Session fault: ${cause}.`,
  };
  return [
    heads[verdict],
    ...findings.flatMap((finding) => [`  ${placeOf(finding)}:`, ...finding.says.map((line) => `    ${line}`)]),
    ...remarks,
  ];
}

function namesOf(named: Finding["faults"]): string {
  return named.map(({ fault }) => faults[fault]).join(", or ");
}

function placeOf({ scenario, action, sequence }: Finding): string {
  return `first wrong in ${scenario}: action ${action}, sequence ${sequence}`;
}

export function sessionOutcomes(checks: readonly StepCheck[], { findings }: SessionVerdict): Outcome[] {
  return checks.map(({ scenario, action, sequence, passed, gap, tolerance }): Outcome => {
    const outcome = { group: scenario, name: `action ${action}, ${sequence}` };
    if (passed) return outcome;
    const first = findings.find(
      (one) => one.scenario === scenario && one.action === action && one.sequence === sequence,
    );
    const difference =
      gap === undefined
        ? "No logits were recorded."
        : `Logits differ by up to ${formatError(gap.maxAbs, 3)} (${formatError(tolerance.atol, 3)} allowed).`;
    const failure =
      first === undefined || first.faults.length === 0
        ? [difference, ...(first?.says.slice(1) ?? [])]
        : [`Session fault: ${namesOf(first.faults)}.`, ...first.says];
    return { ...outcome, failure: failure.join("\n") };
  });
}
