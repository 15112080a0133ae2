// The options of `open`: those of the model, and how it is aborted, watched, and read from servers.

import { type ModelOptions, modelChecks } from "../load/model-options.ts";
import type { ChecksOf } from "../options/check-options.ts";
import { abortSignal, aFunction, type Check, trueOrFalse } from "../options/checks.ts";
import { kindOf, OptionError } from "../options/option-error.ts";
import { type Assets, assetNames } from "../package-files/assets.ts";
import { type PreTokenizer, preTokenizers } from "../tokenizer/from-gguf.ts";
import type { Progress } from "./language-model.ts";

export interface OpenOptions extends ModelOptions {
  readonly signal?: AbortSignal;
  /** Bytes fetched, then weights read so far. */
  readonly onProgress?: (progress: Progress) => void;
  /** HTTP headers for URLs, such as Authorization. No other server that a redirect leads to gets them. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Milliseconds in which a server has to begin its answer, and then to send 64 KiB or the rest, again and again;
   * 30,000 by default. A request that takes longer is retried, as after any failure that may pass.
   */
  readonly stallTimeoutMs?: number;
  /** No server is asked for what is kept on this machine, and none for anything else. */
  readonly offline?: boolean;
  /**
   * False: the files of a URL are read by ranges, and not kept. What the hub has is always kept, in a browser where it
   * keeps files for the site.
   */
  readonly cache?: boolean;
  /** The address of another hub, a mirror say, for names such as hf:OWNER/REPO; in Node it counts before HF_ENDPOINT. */
  readonly hubEndpoint?: string;
  /**
   * In a browser: where the package's own files are, if not beside its scripts or where a bundler has put them: a folder
   * that holds them, or a URL for each that is elsewhere.
   */
  readonly assets?: Assets;
  /** How text is split before merging, for GGUF files that do not name it, or only as `default`. */
  readonly tokenizerPre?: PreTokenizer;
}

/** Timers take no more; about 25 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const milliseconds: Check = (value, name) => {
  if (typeof value === "number" && value >= 1 && value <= MAX_TIMEOUT_MS) return;
  throw new OptionError({
    subject: name,
    expected: `milliseconds from 1 to ${MAX_TIMEOUT_MS}`,
    found: typeof value === "number" ? value : kindOf(value),
  });
};

const webAddress: Check = (value, name) => {
  const expected = "an address that begins with https:// or http://";
  if (typeof value !== "string") throw new OptionError({ subject: name, expected, found: kindOf(value) });
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return;
  throw new OptionError({ subject: name, expected, found: JSON.stringify(value.slice(0, 80)) });
};

const preTokenizer: Check = (value, name) => {
  if (preTokenizers.some((known) => known === value)) return;
  const found = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : kindOf(value);
  throw new OptionError({ subject: name, expected: preTokenizers.join(" or "), found });
};

const assetUrls: Check = (value, name) => {
  const isUrl = (url: unknown): boolean => typeof url === "string" || url instanceof URL;
  if (isUrl(value)) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError({ subject: name, expected: "a URL, or an object of them", found: kindOf(value) });
  }
  for (const [file, url] of Object.entries(value)) {
    const subject = `assets: ${JSON.stringify(file.slice(0, 40))}`;
    if (!assetNames.some((known) => known === file)) {
      throw new OptionError({ subject, expected: assetNames.join(" or "), found: "another name" });
    }
    if (url !== undefined && !isUrl(url)) throw new OptionError({ subject, expected: "a URL", found: kindOf(url) });
  }
};

/** Shows a header's name, and never its value. */
const httpHeaders: Check = (headers) => {
  const prototype = typeof headers === "object" && headers !== null ? Object.getPrototypeOf(headers) : undefined;
  if (prototype !== null && prototype?.constructor?.name !== "Object") {
    const expected = 'an object such as { Authorization: "Bearer …" }';
    throw new OptionError({ subject: "headers", expected, found: kindOf(headers) });
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
};

export const openingChecks: ChecksOf<OpenOptions> = {
  ...modelChecks,
  signal: abortSignal,
  onProgress: aFunction,
  headers: httpHeaders,
  stallTimeoutMs: milliseconds,
  offline: trueOrFalse,
  cache: trueOrFalse,
  hubEndpoint: webAddress,
  assets: assetUrls,
  tokenizerPre: preTokenizer,
};
