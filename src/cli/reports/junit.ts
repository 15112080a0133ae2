// Outcomes as JUnit XML, which CI systems read.
import { escapeXml } from "../../picture/svg.ts";

export interface Outcome {
  /** Of the test: a point's name. */
  readonly name: string;
  /** What it belongs to: a case of a golden. */
  readonly group: string;
  /** Why it failed, its first line a summary; undefined where it did not. */
  readonly failure?: string;
}

/** @source the schema that Jenkins and GitLab read: testsuite, testcase, failure */
export function junitXml(suite: string, outcomes: readonly Outcome[], seconds: number): string {
  const failed = outcomes.filter(({ failure }) => failure !== undefined).length;
  const counts = `tests="${outcomes.length}" failures="${failed}" errors="0" time="${seconds.toFixed(3)}"`;
  const cases = outcomes.map(({ name, group, failure }) => {
    const head = `    <testcase classname="${escapeXml(group)}" name="${escapeXml(name)}"`;
    if (failure === undefined) return `${head}/>`;
    const [summary] = failure.split("\n");
    return `${head}>\n      <failure message="${escapeXml(summary)}">${escapeXml(failure)}</failure>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escapeXml(suite)}" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}
