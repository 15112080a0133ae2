// Where else outcomes go: a JUnit file, and messages for GitHub Actions.
import type { Command } from "commander";
import { checkFree, writeWhole } from "../files/write-file.ts";
import { annotation } from "../reports/annotations.ts";
import { junitXml, type Outcome } from "../reports/junit.ts";

export interface ReportFlags {
  readonly junit?: string;
  readonly github?: true;
  readonly json?: true;
  readonly force?: true;
}

export function addReportOptions(command: Command): Command {
  return command
    .option("--junit <path>", "write the outcome of every point as JUnit XML")
    .option("--github", "print failures as annotations of GitHub Actions, too; beside --json on standard error");
}

/** Before long work. @throws OutputError when there is such a file already, and no --force */
export async function checkReports({ junit, force }: ReportFlags): Promise<void> {
  if (junit !== undefined) await checkFree(junit, force);
}

/** @param verdict  one line for GitHub; undefined where nothing failed */
export async function writeReports(
  { junit, github, json }: ReportFlags,
  suite: string,
  outcomes: readonly Outcome[],
  seconds: number,
  verdict: string | undefined,
): Promise<void> {
  if (junit !== undefined) await writeWhole(junit, junitXml(suite, outcomes, seconds));
  // GitHub reads both streams.
  const stream = json ? process.stderr : process.stdout;
  if (github && verdict !== undefined) stream.write(annotation("error", suite, verdict));
}
