// Option values: text from the command line to checked values.
import { Lfm2Error } from "../../lfm2-error.ts";
import { UsageError } from "../exit.ts";
import { type FlagNames, inFlags } from "./flag-names.ts";

/** A number as people write it; anything else stays the text it is, for a message. */
export function numberOrText(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** A parser for integers of at least `least`, and at most `most`. */
export function integerOf(flag: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = numberOrText(text);
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw new UsageError({ subject: flag, expected: `an integer ${range}`, found: JSON.stringify(text) });
  };
}

/** "1,2,3" → [1, 2, 3]. */
export function tokenIds(flag: string): (text: string) => number[] {
  return (text) => {
    const ids = text.split(",").map((part) => (/^\s*\d{1,9}\s*$/.test(part) ? Number(part) : undefined));
    if (!ids.includes(undefined)) return ids as number[];
    const found = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new UsageError({ subject: flag, expected: "token ids such as 1,2,3", found: JSON.stringify(found) });
  };
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** "500M" → 500000000. */
export function byteCount(flag: string): (text: string) => number {
  return (text) => {
    const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)b?$/i.exec(text) ?? [];
    if (number !== undefined) return Math.floor(Number(number) * UNITS[unit.toLowerCase()]);
    throw new UsageError({ subject: flag, expected: "bytes such as 500M or 20G", found: JSON.stringify(text) });
  };
}

/**
 * Runs a check of the library, and names the flag where its error names the option: `topK: …` becomes `--top-k: …`.
 * @throws UsageError about a flag for an error about its option; any other error as it is
 */
export function checked<T>(check: () => T, flags?: FlagNames): T {
  try {
    return check();
  } catch (error) {
    throw aboutFlags(error, flags);
  }
}

/** The library's error about an option as a UsageError about its flag: exit code 2. Any other error as it is. */
export function aboutFlags(error: unknown, flags?: FlagNames): unknown {
  if (!(error instanceof Lfm2Error)) return error;
  const parts = inFlags(error, flags);
  return parts.subject === error.subject ? error : new UsageError(parts, { cause: error });
}
