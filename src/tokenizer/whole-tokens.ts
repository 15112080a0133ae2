// Finding the tokens that are matched as a whole: the leftmost one, and the longest of those that begin there.
import type { AddedToken } from "./vocabulary.ts";

/**
 * Cuts text into ordinary pieces and the ids of whole tokens, in order. Whole tokens are looked for within each of the
 * spans ([start, end), in order and apart) as if there were no other text; what is between two tokens stays one piece,
 * so that words are cut across the end of a span as they would be without it.
 */
export function createWholeTokenSplitter(
  added: readonly AddedToken[],
): (text: string, spans: readonly (readonly [number, number])[]) => (string | number)[] {
  const ids = new Map(added.map(({ text, id }) => [text, id]));
  const pattern = wholeTokenPattern([...ids.keys()]);
  return (text, spans) => {
    if (pattern === undefined) return text === "" ? [] : [text];
    const pieces: (string | number)[] = [];
    let from = 0;
    for (const [start, end] of spans) {
      for (const { 0: token, index } of text.slice(start, end).matchAll(pattern)) {
        if (start + index > from) pieces.push(text.slice(from, start + index));
        pieces.push(ids.get(token) as number);
        from = start + index + token.length;
      }
    }
    if (from < text.length) pieces.push(text.slice(from));
    return pieces;
  };
}

/** Finds every whole token of a text, given their texts; undefined when there are none. */
export function wholeTokenPattern(texts: readonly string[]): RegExp | undefined {
  // Of the alternatives that match at a place, the first wins, so longer ones go first.
  const alternatives = texts.toSorted((a, b) => b.length - a.length).map(escapeForRegExp);
  return texts.length === 0 ? undefined : new RegExp(alternatives.join("|"), "g");
}

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
