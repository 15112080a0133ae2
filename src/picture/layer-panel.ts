// What all layers have in common: two steps, each normalised before and added after.
import { type Panel, panel } from "./panel.ts";
import { arrow, box, line, node, text } from "./svg.ts";

export function layerPanel(): Panel {
  const y = 86;
  const step = (x: number, name: string, norm: string): string[] => [
    arrow([x, y], [x + 26, y]),
    box(x + 26, y - 21, 98, 42, "plain", ["RMS norm", norm]),
    arrow([x + 124, y], [x + 140, y]),
    box(x + 140, y - 21, 98, 42, "plain", [name]),
    arrow([x + 238, y], [x + 257, y]),
    node(x + 268, y, "+"),
    line([
      [x + 12, y],
      [x + 12, y - 38],
      [x + 268, y - 38],
    ]),
    arrow([x + 268, y - 38], [x + 268, y - 11]),
  ];
  const drawing = [
    text(16, y + 4.5, "h"),
    ...step(26, "operator", "operator_norm"),
    ...step(305, "feed-forward", "ffn_norm"),
    arrow([584, y], [602, y]),
  ];
  const caption = "What a layer computes is added to h, the hidden state; nothing else passes between layers.";
  return panel("plain", "Every layer", "two norms, two additions", drawing, 128, caption);
}
