// What came of published facts, in words and as outcomes of tests.
import type { PublishedEntry } from "../../oracle/published/entry.ts";
import type { Finding } from "../../oracle/published/try-step.ts";
import type { Outcome } from "./junit.ts";

export interface PublishedCheck {
  readonly entry: PublishedEntry;
  /** Why the entry is about the checkpoint. */
  readonly by: "name" | "hash" | "vocabulary";
  /** Undefined where it is tried by hand, or there is no such file. */
  readonly finding: Finding | undefined;
  /** What to do, where there is no finding. */
  readonly byHand: string | undefined;
}

/** A line or two for each entry. */
export function publishedReport(checks: readonly PublishedCheck[]): string[] {
  const lines = checks.flatMap(({ entry, by, finding, byHand }) => {
    const head = finding === undefined ? "by hand" : finding.passed ? "ok" : "FAILS";
    const doubt = finding?.passed === false && entry.doubt !== undefined ? [`    doubtful: ${entry.doubt}`] : [];
    return [
      `${head.padEnd(8)} ${entry.id} (by ${by}): ${finding?.says ?? byHand}`,
      ...(finding?.passed === false ? [`    ${entry.reason}; ${entry.source}`] : [`    proves: ${entry.proves}`]),
      ...doubt,
    ];
  });
  const [tried, failed] = [
    checks.filter(({ finding }) => finding),
    checks.filter(({ finding }) => finding?.passed === false),
  ];
  const rest = checks.length - tried.length;
  if (tried.length === 0) return [...lines, "", `Nothing was tried; ${rest} published facts are for you to try.`];
  const summary = `${tried.length - failed.length} of ${tried.length} published facts hold${rest === 0 ? "" : `; ${rest} more are for you to try`}.`;
  return [...lines, "", summary];
}

export function publishedOutcomes(checks: readonly PublishedCheck[]): Outcome[] {
  return checks.flatMap(({ entry: { id, reason, source }, finding }) => {
    if (finding === undefined) return [];
    const failure = finding.passed ? undefined : `${finding.says}\n${reason}\n${source}`;
    return [{ group: "published", name: id, failure }];
  });
}
