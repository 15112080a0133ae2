// What this room throws, and how a message shows a value.
import { Lfm2Error } from "../lfm2-error.ts";

/** A schema, pattern, choice or tool that output cannot be held to; says where, what is expected, and a way out. */
export class ConstraintError extends Lfm2Error {
  override readonly name = "ConstraintError";
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** @throws ConstraintError for what would take too much memory or time */
export function tooLarge(subject: string, expected: string, remedy: string): never {
  throw new ConstraintError({ subject, expected, found: "more", remedy });
}
