// `published.json`: what others have published of real weights, each with its source and how it is tried.
import { isObject, type JsonObject, jsonLimits, readJson } from "../../formats/json.ts";
import { refuse, show } from "../../formats/refusal.ts";
import type { Folder } from "../../sources/source.ts";

export const PUBLISHED = "published.json";

/** What is run: token ids, a text with or without BOS, or a conversation in the model's template. */
export type Input =
  | { readonly ids: readonly number[] }
  | { readonly text: string; readonly bos: boolean }
  | { readonly messages: readonly { readonly role: "user" | "system" | "assistant"; readonly content: string }[] };

export type Step =
  /** A file's SHA-256, and its size where that is known; of a file beside a model's, by its name. */
  | { readonly kind: "file"; readonly name: string; readonly bytes?: number; readonly sha256: string }
  /** Ids of texts and conversations. */
  | { readonly kind: "tokens"; readonly cases: readonly { readonly input: Input; readonly ids: readonly number[] }[] }
  /** Numbers of the architecture, in camelCase. */
  | { readonly kind: "config"; readonly expected: JsonObject }
  /** Numbers in all tensors together, a tied head counted once. */
  | { readonly kind: "parameters"; readonly count: number }
  /** Mean logit over the vocabulary after each id. */
  | { readonly kind: "means"; readonly input: Input; readonly expected: readonly number[]; readonly atol: number }
  /** Logits after one id, from one vocabulary entry on. */
  | {
      readonly kind: "slice";
      readonly input: Input;
      readonly position: number;
      readonly first: number;
      readonly expected: readonly number[];
      readonly atol: number;
    }
  /** The likeliest ids after the last one, in any order, of which some may be others. */
  | { readonly kind: "top"; readonly input: Input; readonly expected: readonly number[]; readonly others: number }
  /**
   * The likeliest id after each prefix of input and expected ids, for the first so many of these, where the source's own
   * margin is at least so large (in nats).
   */
  | {
      readonly kind: "greedy";
      readonly input: Input;
      readonly expected: readonly number[];
      readonly first: number;
      readonly margins?: readonly number[];
      readonly leastMargin?: number;
    }
  /** How a greedy continuation begins. */
  | { readonly kind: "text"; readonly input: Input; readonly begins: string; readonly tokens: number }
  /** Mean −log p of each id but the first, in nats. */
  | { readonly kind: "loss"; readonly input: Input; readonly expected: number; readonly atol: number }
  /** Of lfm2, by hand, for it needs files or hours: MODEL stands for the checkpoint. */
  | { readonly kind: "command"; readonly arguments: readonly string[]; readonly expected: string };

export interface PublishedEntry {
  readonly id: string;
  /** Where it was read. */
  readonly source: string;
  readonly sure: "high" | "medium";
  /** What the checkpoints are called, without organisation, container and quantization. */
  readonly models: readonly string[];
  /** Of most of the weights; any where it is absent. */
  readonly formats?: readonly string[];
  /** Holds for every checkpoint with a vocabulary of this size: it is about the tokenizer. */
  readonly vocabSize?: number;
  readonly conditions?: string;
  readonly doubt?: string;
  /** What a pass says. */
  readonly proves: string;
  /** Why so much, and no more, is allowed. */
  readonly reason: string;
  readonly step: Step;
}

const MAX_ENTRIES = 10_000;
const MAX_NUMBERS = 1 << 20;
const MEND = `Mend ${PUBLISHED}.`;

/** @returns undefined where the folder has no such file @throws FormatError when it says what it cannot mean */
export async function readPublished(folder: Folder, signal?: AbortSignal): Promise<PublishedEntry[] | undefined> {
  const source = await folder.open(PUBLISHED, signal);
  if (source === undefined) return undefined;
  const json = await readJson(source, jsonLimits.directory, signal).finally(() => source.close());
  return parsePublished(json, `${folder.name}, ${PUBLISHED}`);
}

/** @throws FormatError */
export function parsePublished({ format, version, entries }: JsonObject, subject: string): PublishedEntry[] {
  if (format !== "lfm2-published" || version !== 1) {
    refuse(subject, 'format "lfm2-published" version 1', `${show(format)} version ${show(version)}`, MEND);
  }
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_ENTRIES) {
    refuse(`${subject}, entries`, `a list of 1 to ${MAX_ENTRIES}`, show(entries), MEND);
  }
  const ids = new Set<string>();
  return entries.map((value, i): PublishedEntry => {
    const place = `${subject}, entries[${i}]`;
    const entry = objectOf(value, place);
    const id = textOf(entry.id, `${place}.id`);
    if (ids.has(id)) refuse(`${place}.id`, "one that no other entry has", show(id), MEND);
    ids.add(id);
    const optional = (key: string): string | undefined =>
      entry[key] === undefined ? undefined : textOf(entry[key], `${place}.${key}`);
    if (entry.sure !== "high" && entry.sure !== "medium")
      refuse(`${place}.sure`, "high or medium", show(entry.sure), MEND);
    return {
      id,
      source: textOf(entry.source, `${place}.source`),
      sure: entry.sure,
      models: listOf(entry.models, textOf, `${place}.models`),
      ...(entry.formats !== undefined && { formats: listOf(entry.formats, textOf, `${place}.formats`) }),
      ...(entry.vocabSize !== undefined && { vocabSize: countOf(entry.vocabSize, `${place}.vocabSize`) }),
      conditions: optional("conditions"),
      doubt: optional("doubt"),
      proves: textOf(entry.proves, `${place}.proves`),
      reason: textOf(entry.reason, `${place}.reason`),
      step: stepOf(objectOf(entry.step, `${place}.step`), `${place}.step`),
    };
  });
}

function stepOf(step: JsonObject, place: string): Step {
  const at = (key: string): string => `${place}.${key}`;
  const input = (): Input => inputOf(step.input, at("input"));
  const ids = (key: string): number[] => listOf(step[key], countOf, at(key));
  const numbers = (key: string): number[] => listOf(step[key], numberOf, at(key));
  const atol = (): number => numberOf(step.atol, at("atol"));
  const { kind } = step;
  switch (kind) {
    case "file": {
      const sha256 = textOf(step.sha256, at("sha256"));
      if (!/^[0-9a-f]{64}$/.test(sha256)) refuse(at("sha256"), "64 hexadecimal digits", show(sha256), MEND);
      const bytes = step.bytes === undefined ? {} : { bytes: countOf(step.bytes, at("bytes")) };
      return { kind, name: textOf(step.name, at("name")), ...bytes, sha256 };
    }
    case "tokens":
      return {
        kind,
        cases: listOf(
          step.cases,
          (value, where) => {
            const one = objectOf(value, where);
            return { input: inputOf(one.input, `${where}.input`), ids: listOf(one.ids, countOf, `${where}.ids`) };
          },
          at("cases"),
        ),
      };
    case "config":
      return { kind, expected: objectOf(step.expected, at("expected")) };
    case "parameters":
      return { kind, count: countOf(step.count, at("count")) };
    case "means":
      return { kind, input: input(), expected: numbers("expected"), atol: atol() };
    case "slice": {
      const [position, first] = [countOf(step.position, at("position")), countOf(step.first, at("first"))];
      return { kind, input: input(), position, first, expected: numbers("expected"), atol: atol() };
    }
    case "top":
      return { kind, input: input(), expected: ids("expected"), others: countOf(step.others, at("others")) };
    case "greedy": {
      const margins = step.margins === undefined ? {} : { margins: numbers("margins") };
      const least =
        step.leastMargin === undefined ? {} : { leastMargin: numberOf(step.leastMargin, at("leastMargin")) };
      const first = countOf(step.first, at("first"));
      return { kind, input: input(), expected: ids("expected"), first, ...margins, ...least };
    }
    case "text":
      return {
        kind,
        input: input(),
        begins: textOf(step.begins, at("begins")),
        tokens: countOf(step.tokens, at("tokens")),
      };
    case "loss":
      return { kind, input: input(), expected: numberOf(step.expected, at("expected")), atol: atol() };
    case "command":
      return {
        kind,
        arguments: listOf(step.arguments, textOf, at("arguments")),
        expected: textOf(step.expected, at("expected")),
      };
    default:
      refuse(at("kind"), "a step that is known", show(kind), MEND);
  }
}

function inputOf(value: unknown, place: string): Input {
  const { ids, text, bos = false, messages } = objectOf(value, place);
  if (ids !== undefined) return { ids: listOf(ids, countOf, `${place}.ids`) };
  if (text !== undefined) {
    if (typeof bos !== "boolean") refuse(`${place}.bos`, "true or false", show(bos), MEND);
    return { text: textOf(text, `${place}.text`), bos };
  }
  return {
    messages: listOf(
      messages,
      (one, where) => {
        const { role, content } = objectOf(one, where);
        if (role === "user" || role === "system" || role === "assistant") {
          return { role, content: textOf(content, `${where}.content`) };
        }
        refuse(`${where}.role`, "user, system or assistant", show(role), MEND);
      },
      `${place}.messages`,
    ),
  };
}

function objectOf(value: unknown, place: string): JsonObject {
  return isObject(value) ? value : refuse(place, "an object", show(value), MEND);
}

function textOf(value: unknown, place: string): string {
  return typeof value === "string" && value !== "" ? value : refuse(place, "a text", show(value), MEND);
}

function numberOf(value: unknown, place: string): number {
  return typeof value === "number" && Number.isFinite(value) ? value : refuse(place, "a number", show(value), MEND);
}

function countOf(value: unknown, place: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  refuse(place, "an integer from 0", show(value), MEND);
}

function listOf<T>(value: unknown, one: (value: unknown, place: string) => T, place: string): T[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_NUMBERS) {
    refuse(place, `a list of 1 to ${MAX_NUMBERS}`, show(value), MEND);
  }
  return value.map((item, i) => one(item, `${place}[${i}]`));
}
