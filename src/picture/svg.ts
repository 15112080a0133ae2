// The few shapes the picture is made of, as SVG text.

import { round } from "./numbers.ts";

export type Point = readonly [x: number, y: number];

export function escapeXml(text: string): string {
  // XML does not allow control characters, not even escaped.
  return text
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "\uFFFD")
    .replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function text(x: number, y: number, content: string, classes = ""): string {
  return `<text x="${x}" y="${y}"${attribute(classes)}>${escapeXml(content)}</text>`;
}

/** Text in the middle of (x, y). */
export function centred(x: number, y: number, content: string, classes = ""): string {
  return text(x, y + 4.5, content, `mid ${classes}`.trim());
}

export function rectangle(x: number, y: number, width: number, height: number, classes: string, radius = 5): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"${attribute(classes)}/>`;
}

export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Many bars of one look, as one shape. */
export function bars(all: readonly Bar[], classes: string): string {
  const outlines = all.map(
    ({ x, y, width, height }) => `M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}z`,
  );
  return all.length === 0 ? "" : `<path d="${outlines.join("")}"${attribute(classes)}/>`;
}

/** A rectangle with one or two centred lines. */
export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  classes: string,
  lines: readonly string[],
): string {
  const middle = y + height / 2;
  const [first, second] = lines;
  const content =
    second === undefined
      ? centred(x + width / 2, middle, first)
      : centred(x + width / 2, middle - 8, first) + centred(x + width / 2, middle + 9, second, "small");
  return rectangle(x, y, width, height, classes) + content;
}

/** A circle that holds one sign: ⊙, +, Σ. */
export function node(x: number, y: number, sign: string): string {
  return `<circle cx="${x}" cy="${y}" r="11" class="node"/>${centred(x, y, sign)}`;
}

export function line(points: readonly Point[], classes = ""): string {
  return `<polyline points="${points.map((point) => point.join(",")).join(" ")}"${attribute(`line ${classes}`.trim())}/>`;
}

/** A line whose end has a head. */
export function arrow(...points: Point[]): string {
  return line(points, "arrow");
}

export function group(x: number, y: number, ...content: string[]): string {
  return `<g transform="translate(${x} ${y})">\n${content.join("\n")}\n</g>`;
}

function attribute(classes: string): string {
  return classes === "" ? "" : ` class="${classes}"`;
}
