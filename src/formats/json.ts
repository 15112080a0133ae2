// JSON from files: bounded before it is parsed, so that a few bytes cannot become many objects.
import type { ByteSource } from "../sources/source.ts";
import { DAMAGED, refuse, show } from "./refusal.ts";

/** The bound that the safetensors format sets its header; no tokenizer.json comes near it either. */
export const MAX_JSON_BYTES = 100_000_000;
const MAX_DEPTH = 64;
/** Arrays and objects in one text. A tokenizer.json has about 300,000, one for each merge. */
const MAX_CONTAINERS = 4_000_000;

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The whole of `source`. */
export async function readBytes(source: ByteSource, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > MAX_JSON_BYTES) {
    refuse(source.name, `at most ${MAX_JSON_BYTES} bytes`, `${source.size}`, "Name a file that belongs to a model.");
  }
  return source.read(0, source.size, signal);
}

/** The whole of `source` as text. */
export async function readText(source: ByteSource, signal?: AbortSignal): Promise<string> {
  return decodeText(await readBytes(source, signal), source.name);
}

/** The whole of `source` as one JSON object. */
export async function readJson(source: ByteSource, signal?: AbortSignal): Promise<JsonObject> {
  return parseJsonObject(await readText(source, signal), source.name);
}

/** @throws FormatError when `bytes` are not UTF-8 */
export function decodeText(bytes: Uint8Array, subject: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    refuse(subject, "UTF-8 text", "bytes that are none", DAMAGED);
  }
}

/** @throws FormatError when `text` is not one JSON object, or nested or split up beyond reason */
export function parseJsonObject(text: string, subject: string): JsonObject {
  checkNesting(text, subject);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const number = pythonNumber(text);
    if (number !== undefined) refuse(subject, "JSON, whose numbers are finite", number, PYTHON);
    refuse(subject, "JSON", "text that is none", DAMAGED);
  }
  if (!isObject(value)) refuse(subject, "a JSON object", show(value), DAMAGED);
  return value;
}

const PYTHON = "Python's json writes it, and nothing else reads it; write a number, or leave the key out.";

/** What Python's json writes for numbers that JSON has no name for, outside of strings. */
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

/** @throws FormatError when parsing `text` as JSON would give objects beyond reason */
export function checkNesting(text: string, subject: string, remedy = DAMAGED): void {
  let depth = 0;
  let containers = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      containers++;
      if (depth > MAX_DEPTH) refuse(subject, `JSON at most ${MAX_DEPTH} deep`, "deeper nesting", remedy);
      if (containers > MAX_CONTAINERS) {
        refuse(subject, `at most ${MAX_CONTAINERS} JSON lists and objects`, "more", remedy);
      }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
