// How a file is refused: what is wrong with which part of it, and what to do.
import { Lfm2Error } from "../lfm2-error.ts";

/** A file is not what its format says, or not a model this project runs. */
export class FormatError extends Lfm2Error {
  override readonly name = "FormatError";
}

/** @throws FormatError always: `subject: expected …, found …. remedy` */
export function refuse(subject: string, expected: string, found: string, remedy: string): never {
  throw new FormatError({ subject, expected, found, remedy });
}

/** The remedy for bytes no writer of the format leaves behind. */
export const DAMAGED = "The file is damaged or cut short; fetch it again.";

/** The subject of a message: a tensor or key of a file, its name escaped and cut, because the file chooses the names. */
export function within(file: string, part: string): string {
  const escaped = quoted(part.slice(0, 101)).slice(1, -1);
  return `${file}, ${escaped.length > 100 ? `${escaped.slice(0, 100)}…` : escaped}`;
}

/** A value from a file as a message may show it: quoted, escaped, cut. */
export function show(value: unknown): string {
  // Item by item, because a list may hold bigints, which JSON.stringify refuses.
  if (Array.isArray(value)) return shortened(`[${value.slice(0, 61).map(show).join()}]`);
  // Cut before it is escaped, because a text may have megabytes.
  const cut = typeof value === "string" ? value.slice(0, 61) : value;
  const text = typeof cut === "bigint" ? `${cut}` : quoted(cut);
  return shortened(text);
}

/** As JSON; escaped, too, what a terminal obeys (C1) or what turns the order of what is read (marks of direction). */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
