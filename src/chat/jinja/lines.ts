// Where a template that is not valid Jinja goes wrong: the library does not say in which line.
import { parse, tokenize } from "@huggingface/jinja";

export const OPTIONS = { trim_blocks: true, lstrip_blocks: true };

interface Tag {
  /** Where it opens, in the source. */
  readonly at: number;
  /** Whether it ends. */
  readonly closed: boolean;
}

/** The line, counted from 1, at which `source` stops being Jinja; what is wrong is `error`, which compiling it threw. */
export function lineOfError(source: string, error: unknown): number {
  const tags = tagsOf(source);
  const unclosed = tags.at(-1);
  if (unclosed !== undefined && !unclosed.closed) return lineAt(source, unclosed.at);
  const tokens = attempt(() => tokenize(source, OPTIONS));
  if (tokens === undefined) return firstLine(source, (error as Error).message);
  // A tag is as far as the parser has looked.
  let furthest = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      const index = typeof key === "string" ? Number(key) : Number.NaN;
      if (index < target.length) furthest = Math.max(furthest, index);
      return Reflect.get(target, key);
    },
  });
  attempt(() => parse(watched));
  const opened = tokens
    .slice(0, furthest + 1)
    .filter(({ type }: { type: string }) => type === "OpenStatement" || type === "OpenExpression");
  return lineAt(source, tags[opened.length - 1]?.at ?? 0);
}

/** The first line with which the text up to it fails as the whole does: a wrong character fails wherever the text ends. */
function firstLine(source: string, message: string): number {
  const lines = source.split("\n");
  let [good, bad] = [0, lines.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const error = errorOf(() => tokenize(lines.slice(0, middle).join("\n"), OPTIONS));
    if (error?.message === message) bad = middle;
    else good = middle;
  }
  return bad;
}

/** Tags in order, {% generation %} left out, as the library does. */
function tagsOf(source: string): Tag[] {
  const tags: Tag[] = [];
  const opening = /\{#|\{%(?!-?\s*(?:end)?generation\s*-?%\})|\{\{/g;
  for (let found = opening.exec(source); found !== null; found = opening.exec(source)) {
    const at = found.index;
    const end = found[0] === "{#" ? source.indexOf("#}", at + 2) : endOfTag(source, at + 2, found[0] === "{{");
    if (found[0] !== "{#" || end < 0) tags.push({ at, closed: end >= 0 });
    if (end < 0) break;
    opening.lastIndex = end + 2;
  }
  return tags;
}

/** Where a tag's closing bracket is; −1 where it has none. Strings and dicts may hold the like. */
function endOfTag(source: string, from: number, isExpression: boolean): number {
  let braces = 0;
  for (let i = from; i < source.length; i++) {
    const letter = source[i];
    if (letter === '"' || letter === "'") {
      for (i++; i < source.length && source[i] !== letter; i++) if (source[i] === "\\") i++;
    } else if (braces === 0 && source.startsWith(isExpression ? "}}" : "%}", i)) return i;
    else if (letter === "{") braces++;
    else if (letter === "}") braces--;
  }
  return -1;
}

const lineAt = (source: string, at: number): number => source.slice(0, at).split("\n").length;

const attempt = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch {
    return undefined;
  }
};

function errorOf(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
