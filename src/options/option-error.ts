// An option that cannot be taken, and how its value is shown.
import { Lfm2Error } from "../lfm2-error.ts";

/** An option is unknown, of the wrong kind, or outside what the model or this build can do. */
export class OptionError extends Lfm2Error {
  override readonly name = "OptionError";
}

/** The kind of a value, for values that may be secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : (value.constructor?.name ?? "an object");
}

/** A value as a message may show it: cut, and objects by their kind alone. */
export function shown(value: unknown): string {
  if (value instanceof Date || typeof value === "number") return String(value);
  if (typeof value !== "string" && !Array.isArray(value)) return kindOf(value);
  const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
