// Patterns over dot-separated names, as shells have them over paths.
//
//   *  anything within one part       **  any number of parts, also none       ?  one character
//   {a,b}  either                     {0..5}  a whole number from 0 to 5
//
// Libraries have globs over paths: with dots turned into slashes, picomatch 4.0.7 knows no {0..5} by itself, and all of
// picomatch, minimatch 11.0.9 and zeptomatch 2.1.0 give ( [ ! and + meanings of their own; wildcard-match 5.1.6 takes
// another separator, and has no braces. Errors, which are most of what users meet here, would be written all the same.
import { Lfm2Error } from "../lfm2-error.ts";

const MAX_GLOB = 200;
const MAX_RANGE = 1024;

/** A pattern is malformed, or matches nothing. */
export class GlobError extends Lfm2Error {
  override readonly name = "GlobError";
}

export interface Glob {
  test(name: string): boolean;
}

/** A part of a glob: from the places of a name that the parts before it may reach, those that it may reach. */
type Step = (name: string, places: ReadonlySet<number>) => Set<number>;

/**
 * Takes time in proportion to the lengths of glob and name: a RegExp goes back to each of several stars again and again.
 * @throws GlobError when a brace is left open, or the pattern is longer than any name
 */
export function parseGlob(glob: string): Glob {
  if (glob.length === 0 || glob.length > MAX_GLOB) {
    throw new GlobError({
      subject: "points",
      expected: `a pattern of 1 to ${MAX_GLOB} characters`,
      found: glob.length,
      remedy: "Shorten it.",
    });
  }
  const steps = (glob.match(/\*\*\.|\.\*\*$|\*+|\?|\{[^{}]*\}|[\s\S]/g) ?? []).map((token) => stepOf(token, glob));
  return {
    test: (name) =>
      steps.reduce((places: ReadonlySet<number>, step) => step(name, places), new Set([0])).has(name.length),
  };
}

function stepOf(token: string, glob: string): Step {
  if (token === "**.") return wholeParts;
  if (token === ".**") return restOrNothing;
  if (token === "*") return onward((letter) => letter !== ".");
  if (/^\*+$/.test(token)) return onward(() => true);
  if (token === "?")
    return (name, places) => reached(places, (at) => (at < name.length && name[at] !== "." ? at + 1 : -1));
  if (token.length > 1) return oneOf(alternatives(token.slice(1, -1)));
  if (token === "{" || token === "}") {
    throw new GlobError({
      subject: "points",
      expected: "every { closed by a }",
      found: JSON.stringify(glob),
      remedy: "Close it.",
    });
  }
  return oneOf([token]);
}

function reached(places: Iterable<number>, next: (at: number) => number): Set<number> {
  return new Set([...places].map(next).filter((at) => at >= 0));
}

function oneOf(texts: readonly string[]): Step {
  return (name, places) =>
    new Set(texts.flatMap((text) => [...reached(places, (at) => (name.startsWith(text, at) ? at + text.length : -1))]));
}

/** From each place on as far as the letters go. */
function onward(goesOn: (letter: string) => boolean): Step {
  return (name, places) => {
    const found = new Set(places);
    for (let at = 0; at < name.length; at++) if (found.has(at) && goesOn(name[at])) found.add(at + 1);
    return found;
  };
}

/** To the beginning of any part further on. */
const wholeParts: Step = (name, places) => {
  const first = Math.min(...places);
  const found = new Set(places);
  for (let at = first; at < name.length; at++) if (name[at] === ".") found.add(at + 1);
  return found;
};

/** To the end, from there or from the end of a part. */
const restOrNothing: Step = (name, places) => {
  const found = new Set(places);
  if ([...places].some((at) => name[at] === ".")) found.add(name.length);
  return found;
};

function alternatives(inside: string): string[] {
  const [, first, last] = /^(\d{1,4})\.\.(\d{1,4})$/.exec(inside) ?? [];
  if (first === undefined) return inside.split(",");
  const count = Number(last) - Number(first) + 1;
  if (count >= 1 && count <= MAX_RANGE) return Array.from({ length: count }, (_, i) => String(Number(first) + i));
  throw new GlobError({
    subject: "points",
    expected: "a range that ascends",
    found: `{${inside}}`,
    remedy: `Write {${last}..${first}}.`,
  });
}

/**
 * The names that one of `globs` matches, in their own order.
 * @throws GlobError when one of the globs matches nothing, listing names that are like it
 */
export function selectNames(names: readonly string[], globs: readonly string[]): Set<string> {
  const selected = new Set<string>();
  for (const glob of globs) {
    const pattern = parseGlob(glob);
    const matching = names.filter((name) => pattern.test(name));
    if (matching.length === 0) {
      throw new GlobError({
        subject: "points",
        expected: `a pattern that matches one of ${names.length} names`,
        found: JSON.stringify(glob),
        remedy: `Near it: ${nearNames(names, glob).join(", ")}.`,
      });
    }
    for (const name of matching) selected.add(name);
  }
  return new Set(names.filter((name) => selected.has(name)));
}

/** Up to four names that take the fewest edits to become `text`; layers that differ by number alone count once. */
export function nearNames(names: readonly string[], text: string): string[] {
  const kinds = new Map<string, string>();
  const layer = /\.(\d+)(?=\.|$)/.exec(text)?.[1];
  for (const name of names) {
    const kind = name.replace(/\.\d+(?=\.|$)/, ".N");
    // Of a kind, the name of the layer that was asked for.
    if (!kinds.has(kind) || name.split(".").includes(layer ?? "")) kinds.set(kind, name);
  }
  const distances = [...kinds.values()].map((name) => [edits(name, text), name] as const);
  return distances
    .sort(([a], [b]) => a - b)
    .slice(0, 4)
    .map(([, name]) => name);
}

/** Levenshtein's distance; what a * stands for costs nothing to leave out. */
function edits(name: string, text: string): number {
  let row = Array.from({ length: name.length + 1 }, (_, i) => i);
  for (const wanted of text.slice(0, MAX_GLOB)) {
    const free = wanted === "*" ? 0 : 1;
    const next = [row[0] + free];
    for (let i = 1; i <= name.length; i++) {
      const same = wanted === name[i - 1] ? 0 : 1;
      next.push(Math.min(row[i - 1] + same, row[i] + free, next[i - 1] + (free === 0 ? 0 : 1)));
    }
    row = next;
  }
  return row[name.length];
}
