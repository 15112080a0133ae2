// GGUF metadata by key, each value checked for its type when it is read.

import { refuse } from "../refusal.ts";
import type { GgufStrings } from "./strings.ts";
import { type GgufValue, showValue } from "./value.ts";

export type Metadata = ReadonlyMap<string, GgufValue>;

export const NOT_LFM2 = "No LFM2 model is like this; take another copy.";
const CONVERTED = "Take a copy that llama.cpp converted.";

export type Keys = ReturnType<typeof keysOf>;

/** Readers that throw a FormatError naming `file` and the key; an optional one gives undefined for an absent key. */
export function keysOf(file: string, metadata: Metadata) {
  const subject = (key: string) => `${file}, ${key}`;
  const refuseKey = (key: string, expected: string, remedy = CONVERTED): never => {
    const value = metadata.get(key);
    refuse(subject(key), expected, value ? showValue(value) : "no such key", remedy);
  };
  const typed = <T>(key: string, what: string, is: (value: unknown) => value is T): T | undefined => {
    const value = metadata.get(key)?.value;
    if (value === undefined || is(value)) return value as T | undefined;
    return refuseKey(key, what);
  };
  const optionalNumber = (key: string) =>
    typed(key, "a number", (v): v is number => typeof v === "number" && !Number.isNaN(v));
  const list = (key: string) =>
    typed(key, "an array", (v): v is ArrayLike<unknown> => typeof v === "object" && v !== null && "length" in v);
  const optionalNumbers = (key: string): ArrayLike<number> | undefined => {
    const numbers = list(key);
    return numbers === undefined || isNumbers(numbers) ? numbers : refuseKey(key, "an array of numbers");
  };
  const required = <T>(key: string, what: string, value: T | undefined): T => value ?? refuseKey(key, what);
  return {
    subject,
    refuse: refuseKey,
    optionalNumber,
    optionalNumbers,
    optionalString: (key: string) => typed(key, "text", (v): v is string => typeof v === "string"),
    optionalBoolean: (key: string) => typed(key, "true or false", (v): v is boolean => typeof v === "boolean"),
    /** Not decoded yet. */
    optionalStrings(key: string): GgufStrings | undefined {
      const { items, value } = metadata.get(key) ?? {};
      if (items === "str") return value as GgufStrings;
      return list(key) && refuseKey(key, "an array of texts");
    },
    number: (key: string) => required(key, "a number", optionalNumber(key)),
    numbers: (key: string) => Array.from(required(key, "an array of numbers", optionalNumbers(key))),
    length: (key: string) => required(key, "an array", list(key)).length,
  };
}

function isNumbers(list: ArrayLike<unknown>): list is ArrayLike<number> {
  return ArrayBuffer.isView(list) || (Array.isArray(list) && list.every((item) => typeof item === "number"));
}
