// Finding the tokens that are matched as a whole: the leftmost one, and the longest of those that begin there.
import type { AddedToken } from "./vocabulary.ts";

/** Cuts text into ordinary pieces and the ids of whole tokens, in order. */
export function createWholeTokenSplitter(added: readonly AddedToken[]): (text: string) => (string | number)[] {
  if (added.length === 0) return (text) => [text];
  const ids = new Map(added.map(({ text, id }) => [text, id]));
  // Of the alternatives that match at a place, the first wins, so longer ones go first.
  const alternatives = [...ids.keys()].sort((a, b) => b.length - a.length).map(escapeForRegExp);
  const pattern = new RegExp(alternatives.join("|"), "g");
  return (text) => {
    const pieces: (string | number)[] = [];
    let from = 0;
    for (const { 0: token, index } of text.matchAll(pattern)) {
      if (index > from) pieces.push(text.slice(from, index));
      pieces.push(ids.get(token) as number);
      from = index + token.length;
    }
    if (from < text.length) pieces.push(text.slice(from));
    return pieces;
  };
}

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
