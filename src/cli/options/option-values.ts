// Option values: text from the command line to checked values.
import { UsageError } from "../exit.ts";

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
    throw new UsageError(`${flag}: expected an integer ${range}, found ${JSON.stringify(text)}.`);
  };
}

/** "1,2,3" → [1, 2, 3]. */
export function tokenIds(flag: string): (text: string) => number[] {
  return (text) => {
    const ids = text.split(",").map((part) => (/^\s*\d{1,9}\s*$/.test(part) ? Number(part) : undefined));
    if (!ids.includes(undefined)) return ids as number[];
    const found = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new UsageError(`${flag}: expected token ids such as 1,2,3, found ${JSON.stringify(found)}.`);
  };
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** "500M" → 500000000. */
export function byteCount(flag: string): (text: string) => number {
  return (text) => {
    const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)b?$/i.exec(text) ?? [];
    if (number !== undefined) return Math.floor(Number(number) * UNITS[unit.toLowerCase()]);
    throw new UsageError(`${flag}: expected bytes such as 500M or 20G, found ${JSON.stringify(text)}.`);
  };
}

/**
 * Runs a check of the library, and names the flag where its error names the option: `topK: …` becomes `--top-k: …`.
 * @throws UsageError for an error about `option`; any other error as it is
 */
export function checkedAs<T>(option: string, flag: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw renamed(error, option, flag);
  }
}

/** The library's error about `option` as a UsageError about `flag`; any other error as it is. */
export function renamed(error: unknown, option: string, flag: string): unknown {
  if (!(error instanceof Error) || !error.message.startsWith(`${option}: `)) return error;
  return new UsageError(`${flag}${error.message.slice(option.length)}`, { cause: error });
}
