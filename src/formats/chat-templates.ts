// A model's chat templates: the default one, and others by name. Which files and keys hold them, as in transformers.
import type { Folder } from "../sources/source.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { keysOf, type Metadata } from "./gguf/keys.ts";
import { isObject, type JsonObject, readText } from "./json.ts";
import { readOptional } from "./optional-file.ts";
import { refuse, within } from "./refusal.ts";

export type ChatTemplates = Pick<Checkpoint, "chatTemplate" | "namedTemplates">;

/** LFM2's templates have a few thousand characters. */
const TEMPLATE_BYTES = 1 << 20;
const MAX_TEMPLATES = 32;

const FOLDER = "additional_chat_templates";
const SUFFIX = ".jinja";
/** Asked for by name where a folder cannot be listed: the one that transformers looks for when there are tools. */
const KNOWN = ["tool_use"];

/**
 * Files stand in place of whatever tokenizer_config.json has, where older checkpoints keep one template or a list of
 * named ones.
 *
 * @throws FormatError when a template is larger than any, or there are too many
 * @source transformers 5.18.0, tokenization_utils_base.py, from_pretrained and _from_pretrained
 */
export async function readHfTemplates(
  folder: Folder,
  tokenizerConfig: JsonObject | undefined,
  signal?: AbortSignal,
): Promise<ChatTemplates> {
  const files = new Map<string, string>();
  const byDefault = await readOptional(folder, `chat_template${SUFFIX}`, TEMPLATE_BYTES, readText, signal);
  if (byDefault !== undefined) files.set("default", byDefault);
  const inner = await folder.subfolder?.(FOLDER);
  if (inner !== undefined) {
    const listed = await inner.list?.();
    const names = listed?.filter((name) => name.endsWith(SUFFIX)) ?? KNOWN.map((name) => name + SUFFIX);
    checkCount(inner.name, names.length);
    for (const name of names.toSorted()) {
      const text = await readOptional(inner, name, TEMPLATE_BYTES, readText, signal);
      if (text !== undefined) files.set(name.slice(0, -SUFFIX.length), text);
    }
  }
  return apart(files.size > 0 ? files : statedTemplates(folder, tokenizerConfig?.chat_template));
}

/** @throws FormatError as `readHfTemplates` does */
export function templatesOfGguf(file: string, metadata: Metadata): ChatTemplates {
  const read = keysOf(file, metadata);
  const key = "tokenizer.chat_template";
  const keys = [...metadata.keys()].filter((other) => other === key || other.startsWith(`${key}.`));
  checkCount(file, keys.length);
  const all = new Map<string, string>();
  // The one without a name comes last, and counts for more than one that is called "default".
  for (const found of keys.toSorted((a, b) => Number(a === key) - Number(b === key))) {
    const text = read.optionalString(found);
    if (text === undefined) continue;
    checkSize(within(file, found), text);
    all.set(found === key ? "default" : found.slice(key.length + 1), text);
  }
  return apart(all);
}

function statedTemplates(folder: Folder, stated: unknown): Map<string, string> {
  const subject = `${folder.name}, tokenizer_config.json, chat_template`;
  const entries = Array.isArray(stated) ? stated : [{ name: "default", template: stated }];
  checkCount(subject, entries.length);
  const named = new Map<string, string>();
  for (const entry of entries) {
    if (!isObject(entry) || typeof entry.name !== "string" || typeof entry.template !== "string") continue;
    checkSize(subject, entry.template);
    named.set(entry.name, entry.template);
  }
  return named;
}

function apart(all: ReadonlyMap<string, string>): ChatTemplates {
  const chatTemplate = all.get("default");
  const named = new Map([...all].filter(([name]) => name !== "default"));
  return named.size === 0 ? { chatTemplate } : { chatTemplate, namedTemplates: named };
}

function checkSize(subject: string, { length }: string): void {
  if (length <= TEMPLATE_BYTES) return;
  refuse(subject, `a template of at most ${TEMPLATE_BYTES} characters`, `${length}`, "Take another copy of the model.");
}

function checkCount(subject: string, count: number): void {
  if (count <= MAX_TEMPLATES) return;
  refuse(subject, `at most ${MAX_TEMPLATES} chat templates`, `${count}`, "Take another copy of the model.");
}
