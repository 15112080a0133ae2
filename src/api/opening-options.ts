// What `open` takes beside the options of the model: who may stop it, who hears of it, and how servers are asked.
import { OptionError } from "../load/load-options.ts";
import { preTokenizers } from "../tokenizer/from-gguf.ts";

/** Timers take no more; about 25 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface OpeningOptions {
  readonly signal?: unknown;
  readonly onProgress?: unknown;
  readonly headers?: unknown;
  readonly stallTimeoutMs?: unknown;
  readonly tokenizerPre?: unknown;
}

/** @throws OptionError naming the option, what was expected and what was found; never a header's value */
export function checkOpening(options: OpeningOptions): void {
  const { signal, onProgress, headers, stallTimeoutMs, tokenizerPre } = options;
  if (tokenizerPre !== undefined && !preTokenizers.some((known) => known === tokenizerPre)) {
    const found = typeof tokenizerPre === "string" ? JSON.stringify(tokenizerPre.slice(0, 40)) : kindOf(tokenizerPre);
    throw new OptionError({ subject: "tokenizerPre", expected: preTokenizers.join(" or "), found });
  }
  if (signal !== undefined) checkSignal(signal);
  if (onProgress !== undefined) checkFunction("onProgress", onProgress);
  if (headers !== undefined) checkHeaders(headers);
  if (stallTimeoutMs === undefined) return;
  if (typeof stallTimeoutMs === "number" && stallTimeoutMs >= 1 && stallTimeoutMs <= MAX_TIMEOUT_MS) return;
  const found = typeof stallTimeoutMs === "number" ? stallTimeoutMs : kindOf(stallTimeoutMs);
  throw new OptionError({ subject: "stallTimeoutMs", expected: `milliseconds from 1 to ${MAX_TIMEOUT_MS}`, found });
}

/** @throws OptionError unless `options` is an object */
export function checkObject(options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw new OptionError({ subject: "options", expected: "an object", found: kindOf(options) });
}

/** @throws OptionError unless `signal` is an AbortSignal */
export function checkSignal(signal: unknown): void {
  const { aborted, addEventListener } = Object(signal);
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return;
  throw new OptionError({
    subject: "signal",
    expected: "an AbortSignal",
    found: kindOf(signal),
    remedy: "Pass controller.signal.",
  });
}

/** @throws OptionError unless `value` is a function */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new OptionError({ subject: name, expected: "a function", found: kindOf(value) });
  }
}

function checkHeaders(headers: unknown): void {
  const prototype = typeof headers === "object" && headers !== null ? Object.getPrototypeOf(headers) : undefined;
  if (prototype !== null && prototype?.constructor?.name !== "Object") {
    const example = '{ Authorization: "Bearer …" }';
    throw new OptionError({ subject: "headers", expected: `an object such as ${example}`, found: kindOf(headers) });
  }
  for (const [name, value] of Object.entries(headers as object)) {
    const subject = `headers: ${JSON.stringify(name)}`;
    if (typeof value !== "string") throw new OptionError({ subject, expected: "a text", found: kindOf(value) });
    if (name.toLowerCase() === "range") {
      throw new OptionError({
        subject,
        expected: "it left out, as every request states its own",
        found: "it stated",
        remedy: "Leave it out.",
      });
    }
    try {
      new Headers({ [name]: value });
    } catch {
      throw new OptionError({ subject, expected: "a name and a text that HTTP can carry", found: "others" });
    }
  }
}

/** What a value is, without showing what may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : (value.constructor?.name ?? "an object");
}
