// Single keys of a config, each checked for its type and range when it is read.
import { Lfm2Error } from "../lfm2-error.ts";

export type RawConfig = Readonly<Record<string, unknown>>;

/** A checkpoint's config is not one that this architecture can have. */
export class ConfigError extends Lfm2Error {
  override readonly name = "ConfigError";
}

export type ConfigKeys = ReturnType<typeof configKeys>;

const REMEDY = "Correct it in the config.";

/**
 * Readers of single keys; each throws a ConfigError that names the key. An absent key takes the default. null is a value
 * like any other: it is refused where it means nothing in transformers.
 *
 * @param nameOf  how the file spells a key, for messages
 */
export function configKeys(raw: RawConfig, nameOf: (key: string) => string = (key) => key) {
  const refuse = (key: string, expected: string, remedy = REMEDY, value = raw[key]): never => {
    throw new ConfigError({ subject: nameOf(key), expected, found: show(value), remedy });
  };
  const stated = (key: string, absent: unknown) => (raw[key] === undefined ? absent : raw[key]);
  return {
    raw,
    nameOf,
    refuse,
    number(key: string, min: number, max: number, absent?: number): number {
      const value = stated(key, absent);
      if (typeof value === "number" && value >= min && value <= max) return value;
      return refuse(key, `a number in [${min}, ${max}]`, REMEDY, value);
    },
    integer(key: string, min: number, max: number, absent?: number): number {
      const value = stated(key, absent);
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      return refuse(key, `an integer in [${min}, ${max}]`, REMEDY, value);
    },
    boolean(key: string, absent: boolean): boolean {
      const value = stated(key, absent);
      return typeof value === "boolean" ? value : refuse(key, "true or false");
    },
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
