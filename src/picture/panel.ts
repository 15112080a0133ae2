// A panel that looks into one part of a layer.
import type { Config } from "../model/config.ts";
import { formatRanges } from "../quantities.ts";
import { rectangle, text } from "./svg.ts";

export const PANEL_WIDTH = 614;

export interface Panel {
  readonly svg: string;
  readonly height: number;
}

export type Kind = "conv" | "attention" | "dense" | "sparse" | "plain";

const LINE = 17;
/** Characters of small text in the widest of the fonts that may be found. */
const LINE_CHARACTERS = 92;

/** @param caption  prose below the drawing */
export function panel(
  kind: Kind,
  title: string,
  where: string,
  drawing: readonly string[],
  drawingHeight: number,
  caption: string,
): Panel {
  const lines = wrapped(caption);
  const height = drawingHeight + lines.length * LINE + 12;
  const mark = kind === "plain" ? "" : rectangle(16, 14, 13, 13, kind, 3);
  const parts = [
    rectangle(0, 0, PANEL_WIDTH, height, "panel", 8),
    mark,
    text(kind === "plain" ? 16 : 37, 25, title, "head"),
    text(PANEL_WIDTH - 16, 25, where, "end faint small"),
    ...drawing,
    ...lines.map((line, i) => text(16, drawingHeight + 10 + i * LINE, line, "faint small")),
  ];
  return { svg: parts.filter((part) => part !== "").join("\n"), height };
}

function wrapped(prose: string): string[] {
  const lines: string[] = [];
  for (const word of prose.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE_CHARACTERS) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** "layers 2, 6, 10–12", or how many they are where that would be long. */
export function whereOf(layers: readonly number[], all: number): string {
  const listed = `layers ${formatRanges(layers)}`;
  return listed.length <= 64 ? listed : `${layers.length} of ${all} layers`;
}

/** Indices of the layers of one operator. */
export function layersOf(config: Config, type: Config["layerTypes"][number]): number[] {
  return config.layerTypes.flatMap((found, index) => (found === type ? [index] : []));
}
