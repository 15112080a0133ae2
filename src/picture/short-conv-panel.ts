// The gated short convolution: out_proj(C ⊙ conv(B ⊙ x)).
import type { Config } from "../model/config.ts";
import { layersOf, type Panel, panel, whereOf } from "./panel.ts";
import { arrow, box, centred, line, node, rectangle, text } from "./svg.ts";

export function shortConvPanel(config: Config): Panel {
  const { hiddenSize, convLCache } = config;
  const drawing = [
    text(16, 99, "h"),
    arrow([26, 95], [44, 95]),
    box(44, 56, 112, 78, "conv", ["in_proj", `${hiddenSize} → 3 · ${hiddenSize}`]),
    line([
      [156, 66],
      [212, 66],
    ]),
    arrow([212, 66], [212, 73]),
    line([
      [156, 102],
      [212, 102],
    ]),
    arrow([212, 102], [212, 95]),
    ...["B", "x", "C"].map((name, i) => text(170, [61, 97, 119][i], name)),
    node(212, 84, "⊙"),
    arrow([223, 84], [246, 84]),
    ...convolution(246, 48, convLCache),
    arrow([406, 84], [429, 84]),
    node(440, 84, "⊙"),
    line([
      [156, 124],
      [440, 124],
    ]),
    arrow([440, 124], [440, 95]),
    arrow([451, 84], [474, 84]),
    box(474, 62, 108, 44, "conv", ["out_proj", `${hiddenSize} → ${hiddenSize}`]),
    arrow([582, 84], [602, 84]),
  ];
  const before = convLCache - 1;
  const caption =
    `out_proj(C ⊙ conv(B ⊙ x)): B and C gate every channel. The convolution works in each channel by itself and sees ` +
    `this position and the ${before} before it, so a layer remembers ${before} × ${hiddenSize} numbers, however long the text.`;
  const where = whereOf(layersOf(config, "conv"), config.numHiddenLayers);
  return panel("conv", "Short convolution", where, drawing, 148, caption);
}

/** The box of the convolution, 160 wide and 72 high, with its window over positions. */
function convolution(x: number, y: number, width: number): string[] {
  const parts = [rectangle(x, y, 160, 72, "conv"), centred(x + 80, y + 17, `causal conv, width ${width}`)];
  if (width > 5) return parts;
  const cell = 34;
  const left = x + 80 - (cell * width) / 2;
  for (let tap = 0; tap < width; tap++) {
    const back = width - 1 - tap;
    parts.push(rectangle(left + tap * cell + 2, y + 34, cell - 4, 24, back === 0 ? "plain" : "plain dashed", 3));
    parts.push(centred(left + (tap + 0.5) * cell, y + 46, back === 0 ? "t" : `t−${back}`, "small"));
  }
  return parts;
}
