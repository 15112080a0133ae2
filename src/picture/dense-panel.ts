// The dense feed-forward: w2 · (silu(w1 · h) ⊙ w3 · h).
import type { Config } from "../model/config.ts";
import { type Panel, panel } from "./panel.ts";
import { arrow, box, line, node, text } from "./svg.ts";

export function densePanel({ hiddenSize, intermediateSize: width }: Config): Panel {
  const [gate, up, y] = [70, 122, 96];
  const size = `${hiddenSize} → ${width}`;
  const drawing = [
    text(16, y + 4.5, "h"),
    line([
      [26, y],
      [40, y],
    ]),
    line([
      [40, gate],
      [40, up],
    ]),
    arrow([40, gate], [60, gate]),
    arrow([40, up], [60, up]),
    box(60, gate - 20, 120, 40, "dense", ["w1 (gate)", size]),
    box(60, up - 20, 120, 40, "dense", ["w3 (up)", size]),
    arrow([180, gate], [210, gate]),
    box(210, gate - 16, 64, 32, "plain", ["silu"]),
    line([
      [274, gate],
      [320, gate],
    ]),
    arrow([320, gate], [320, y - 11]),
    line([
      [180, up],
      [320, up],
    ]),
    arrow([320, up], [320, y + 11]),
    node(320, y, "⊙"),
    arrow([331, y], [380, y]),
    box(380, y - 20, 130, 40, "dense", ["w2 (down)", `${width} → ${hiddenSize}`]),
    arrow([510, y], [602, y]),
  ];
  return panel(
    "dense",
    "Feed-forward",
    "every layer",
    drawing,
    154,
    "w2 · (silu(w1 · h) ⊙ w3 · h), for each position by itself.",
  );
}
