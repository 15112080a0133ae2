// What is known of a file's keys: each is read, or restricted to one value, or without effect; other keys are reported.
import { refuse, show, within } from "./refusal.ts";

export interface KnownKeys {
  /** Keys that mean the same; `{…}` in one stands for a name or number. */
  readonly keys: readonly string[];
  /**
   * `read`: it is used, and its value checked where it is read. `only`: the architecture knows `values` alone, and others are
   * refused. `no effect`: nothing here depends on it, for the reason that `says` gives.
   */
  readonly use: "read" | "only" | "no effect";
  readonly values?: readonly unknown[];
  readonly says: string;
  /** Which tools write it, where not all do, since which version. */
  readonly by?: string;
}

export type KeyTable = readonly KnownKeys[];

export interface KeyCheck {
  /** What holds the keys, for messages: "m.gguf", "model, config.json". */
  readonly subject: string;
  readonly table: KeyTable;
  /** What a key must begin with, and loses before it is looked up. */
  readonly prefix?: string;
  /** Whether a key that is not in the table is refused. If not, it is given back. */
  readonly strict?: boolean;
}

const MIGHT_MATTER = "It might change what the model computes; take a copy without it.";
const OTHER_MODEL = "This project does not run such a model.";

/**
 * Holds keys against a table. A key whose value is null says nothing.
 *
 * @returns the keys that nothing is known of
 * @throws FormatError naming a key whose value, or which itself, cannot be followed
 */
export function checkKeys(
  entries: Iterable<readonly [key: string, value: unknown]>,
  { subject, table, prefix = "", strict = false }: KeyCheck,
): string[] {
  const known = tableOf(table);
  const unknown: string[] = [];
  for (const [key, value] of entries) {
    if (value === null || !key.startsWith(prefix)) continue;
    const entry = known(key.slice(prefix.length));
    if (entry === undefined) {
      if (strict) refuse(within(subject, key), "a key that is known for LFM2", show(value), MIGHT_MATTER);
      unknown.push(key);
    } else if (entry.use === "only" && !entry.values?.some((allowed) => same(allowed, value))) {
      const expected = entry.values?.map(show).join(" or ") ?? "nothing";
      refuse(within(subject, key), expected, show(value), `${entry.says} ${OTHER_MODEL}`);
    }
  }
  return unknown;
}

/** One sentence about all unknown keys of a file; no sentence where there are none. */
export function unknownKeysWarning(subject: string, keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  const shown = keys.slice(0, SHOWN).map(show).join(", ");
  const more = keys.length > SHOWN ? ` and ${keys.length - SHOWN} more` : "";
  const [are, one] = keys.length === 1 ? ["key, which is", "it"] : ["keys, which are", "one of them"];
  return [
    `${subject}: unknown ${are} not used: ${shown}${more}. If ${one} changes what the model computes, ` +
      "it is not what is computed here.",
  ];
}

const SHOWN = 12;

function same(allowed: unknown, value: unknown): boolean {
  if (typeof allowed !== "object" || allowed === null) return allowed === value;
  return JSON.stringify(allowed) === JSON.stringify(value);
}

function tableOf(table: KeyTable): (key: string) => KnownKeys | undefined {
  const exact = new Map<string, KnownKeys>();
  const patterns: [RegExp, KnownKeys][] = [];
  for (const entry of table) {
    for (const key of entry.keys) {
      if (!key.includes("{")) exact.set(key, entry);
      else patterns.push([new RegExp(`^${key.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[\\w-]+")}$`), entry]);
    }
  }
  return (key) => exact.get(key) ?? patterns.find(([pattern]) => pattern.test(key))?.[1];
}
