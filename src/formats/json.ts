// JSON from files: bounded before it is parsed, so that a few bytes cannot become many objects.
import type { ByteSource } from "../sources/source.ts";
import { DAMAGED, refuse, show } from "./refusal.ts";

/** What one file may cost: as bytes, and as numbers, texts, lists and objects together, which take far more memory. */
export interface JsonLimits {
  readonly bytes: number;
  readonly values: number;
}

/** By what a file is: several times what the largest checkpoints of the family need. */
export const jsonLimits = {
  /**
   * config.json and its kin, and an index of files: 800 kB and 8,000 names for 40 layers of 64 experts. The largest take
   * some 40 ms, which the caller's thread can spare.
   */
  settings: { bytes: 1 << 22, values: 1 << 15 },
  /** 128,000 tokens with as many merges, a list each, are 10 MB and 510,000 values. */
  tokenizer: { bytes: 1 << 25, values: 1_500_000 },
  /** A header of safetensors, or what a recorded run says of itself: nine values to a tensor, and a million ids. */
  directory: { bytes: 1 << 24, values: 1 << 21 },
} as const satisfies Readonly<Record<string, JsonLimits>>;

const MAX_DEPTH = 64;

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The whole of `source`. @throws FormatError when it is more than `most` bytes */
export async function readBytes(
  source: ByteSource,
  most: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > most) {
    refuse(source.name, `at most ${most} bytes`, `${source.size}`, "Name a file that belongs to a model.");
  }
  return source.read(0, source.size, signal);
}

/** The whole of `source` as text. */
export async function readText(source: ByteSource, most: number, signal?: AbortSignal): Promise<string> {
  return decodeText(await readBytes(source, most, signal), source.name);
}

/** The whole of `source` as one JSON object. */
export async function readJson(source: ByteSource, limits: JsonLimits, signal?: AbortSignal): Promise<JsonObject> {
  return parseJsonObject(await readText(source, limits.bytes, signal), source.name, limits);
}

/** @throws FormatError when `bytes` are not UTF-8 */
export function decodeText(bytes: Uint8Array, subject: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    refuse(subject, "UTF-8 text", "bytes that are not UTF-8", DAMAGED);
  }
}

/** @throws FormatError when `text` is not one JSON object, nested beyond reason, or has more values than it may */
export function parseJsonObject(text: string, subject: string, { values }: JsonLimits): JsonObject {
  checkStructure(text, subject, values);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const number = pythonNumber(text);
    if (number !== undefined) refuse(subject, "JSON, whose numbers are finite", number, PYTHON);
    refuse(subject, "JSON", "text that is not JSON", DAMAGED);
  }
  if (!isObject(value)) refuse(subject, "a JSON object", show(value), DAMAGED);
  return value;
}

const PYTHON = "Python's json writes it, and nothing else reads it; write a number, or leave the key out.";

/** The names, outside of strings, that Python's json writes for numbers that JSON cannot express. */
function pythonNumber(text: string): string | undefined {
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH && inString) i++;
    else if (code === QUOTE) inString = !inString;
    else if (!inString) {
      const found = ["NaN", "Infinity", "-Infinity"].find((name) => text.startsWith(name, i));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** @throws FormatError when parsing `text` as JSON would give more than `most` values, or deeper ones than anything needs */
export function checkStructure(text: string, subject: string, most: number, remedy = DAMAGED): void {
  let depth = 0;
  // One for each list or object, and one for each comma.
  let values = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      values++;
      if (depth > MAX_DEPTH) refuse(subject, `JSON at most ${MAX_DEPTH} deep`, "deeper nesting", remedy);
    } else if (code === COMMA) values++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    if (values > most) refuse(subject, `JSON of at most ${most} values`, "more", remedy);
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
