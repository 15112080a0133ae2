// Grouped-query attention: groups of query heads share one head of keys and values.
import type { Config } from "../model/config.ts";
import { formatInteger } from "../quantities.ts";
import { layersOf, type Panel, panel, whereOf } from "./panel.ts";
import { arrow, box, line, rectangle, text } from "./svg.ts";

const LANES = [64, 104, 144];

export function attentionPanel(config: Config): Panel {
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads, headDim } = config;
  const [q, k, v] = LANES;
  const drawing = [
    text(16, k + 4.5, "h"),
    line([
      [26, k],
      [34, k],
    ]),
    line([
      [34, q],
      [34, v],
    ]),
    ...LANES.map((y) => arrow([34, y], [50, y])),
    ...["q", "k", "v"].map((name, i) =>
      box(50, LANES[i] - 15, 124, 30, "attention", [`${name}_proj  ${i === 0 ? heads : kvHeads} × ${headDim}`]),
    ),
    ...[q, k].flatMap((y) => [
      arrow([174, y], [190, y]),
      box(190, y - 15, 78, 30, "plain", ["RMS norm"]),
      arrow([268, y], [282, y]),
      box(282, y - 15, 52, 30, "plain", ["RoPE"]),
    ]),
    arrow([334, q], [426, q]),
    arrow([334, k], [350, k]),
    arrow([174, v], [350, v]),
    box(350, k - 17, 60, v - k + 34, "plain dashed", ["KV", "cache"]),
    arrow([410, k], [426, k]),
    arrow([410, v], [426, v]),
    box(426, q - 17, 84, v - q + 34, "attention", ["attention", "causal"]),
    arrow([510, k], [524, k]),
    box(524, k - 17, 66, 34, "attention", ["out_proj"]),
    arrow([590, k], [604, k]),
    ...headGroups(heads, kvHeads, 182),
  ];
  const share = heads / kvHeads;
  const sharing =
    share === 1
      ? "Every query head has its own head of keys and values."
      : `Each group of ${share} query heads (squares) shares one head of keys and values (bar).`;
  const caption =
    `softmax(q·k / √${headDim})·v over this position and all before it. Queries and keys are normalised head by head, ` +
    `then rotated by position (RoPE, base ${formatInteger(config.ropeTheta)}). ${sharing} ` +
    `A layer remembers 2 × ${kvHeads * headDim} numbers for every position.`;
  return panel(
    "attention",
    "Attention",
    whereOf(layersOf(config, "full_attention"), config.numHiddenLayers),
    drawing,
    218,
    caption,
  );
}

/** Query heads as squares, the head of keys and values that they share as a bar below. */
function headGroups(heads: number, kvHeads: number, y: number): string[] {
  const share = heads / kvHeads;
  const gap = 10;
  const square = Math.min(13, (582 - gap * (kvHeads - 1)) / heads);
  if (square < 4) return [];
  const pitch = square * share + gap;
  const left = 16 + (582 - (kvHeads * pitch - gap)) / 2;
  return Array.from({ length: kvHeads }, (_, group) => {
    const x = left + group * pitch;
    const squares = Array.from({ length: share }, (_, head) =>
      rectangle(x + head * square + 1, y, square - 2, square - 2, "attention thin", 2),
    );
    return squares.join("") + rectangle(x + 1, y + square + 1, square * share - 2, 6, "attention-mark", 2);
  });
}
