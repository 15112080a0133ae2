// What may be written to a terminal: colour when it is wanted, and no control characters that come from outside.

export type Style = "dim" | "cyan" | "bold";

const codes: Record<Style, readonly [on: number, off: number]> = { dim: [2, 22], cyan: [36, 39], bold: [1, 22] };

/** @source https://no-color.org */
export function hasColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

/** Every piece ends its own colour, so that a terminal is never left in one. */
export function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  if (!hasColour(stream)) return text;
  const [on, off] = codes[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** Text from a model or a file. In a terminal an escape sequence could move the cursor or worse; files keep it. */
export function harmless(stream: NodeJS.WriteStream, text: string): string {
  return stream.isTTY ? text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\uFFFD") : text;
}

/** One dimmed line on standard error. */
export function note(text: string): void {
  const { stderr } = process;
  stderr.write(`${styled(stderr, "dim", harmless(stderr, text))}\n`);
}
