// How the command ends: its exit code, and what it prints about an error.
import { Lfm2Error, partsOf } from "../lfm2-error.ts";
import { inFlags } from "./options/flag-names.ts";
import { harmless } from "./terminal/terminal.ts";

/** The command line itself is at fault: exit code 2. */
export class UsageError extends Lfm2Error {
  override readonly name = "UsageError";
}

/** The answer was cut before it had the form that was asked for: exit code 3. */
export class CutError extends Lfm2Error {
  override readonly name = "CutError";
}

/** Ctrl-C: exit code 130, as shells have it (128 + SIGINT). Nothing is said. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * For commands that judge: as diff has it, 1 says that two things differ, so whatever kept them from being compared
 * ends with 2.
 */
export function asTrouble(error: unknown): unknown {
  if (error instanceof Interrupted || error instanceof UsageError || !(error instanceof Error)) return error;
  const { name, message } = error;
  const parts =
    error instanceof Lfm2Error
      ? partsOf(error)
      : { subject: name, expected: "a verdict", found: message, sentence: message };
  return new UsageError(parts, { cause: error });
}

/** Prints what went wrong on standard error. @returns the exit code */
export function tellError(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  process.stderr.write(`error: ${harmless(process.stderr, describeError(error))}\n`);
  if (error instanceof CutError) return 3;
  return error instanceof UsageError ? 2 : 1;
}

/** An error about a defect is a message around it: where the defect is, its cause's stack tells. */
function stacksOf({ stack, message, cause }: Error): string {
  const own = stack ?? message;
  return cause instanceof Error ? `${own}\ncaused by ${stacksOf(cause)}` : own;
}

/** One paragraph; the whole stack, and its causes', with LFM2_DEBUG=1. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (process.env.LFM2_DEBUG === "1") return stacksOf(error);
  const { message } = error instanceof Lfm2Error ? new Lfm2Error(inFlags(error)) : error;
  return message.replace(/\s*\n\s*/g, " ");
}
