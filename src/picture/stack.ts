// The model as a whole: embedding, every layer, norm and head, from top to bottom.
import type { Config } from "../model/config.ts";
import { formatInteger } from "../quantities.ts";
import { shareOf } from "./numbers.ts";
import { arrow, type Bar, bars, box, centred, rectangle, text } from "./svg.ts";

export const STACK_WIDTH = 290;

const ROW = 27;
const STEP = 37;
const INDEX_END = 24;
const OPERATOR = { x: 32, width: 106 };
const FEED_FORWARD = { x: 150, width: 140 };
const WIDTH = FEED_FORWARD.x + FEED_FORWARD.width - OPERATOR.x;
const WIDE = 42;

export function drawStack(config: Config): { svg: string; height: number } {
  const { vocabSize, hiddenSize, numHiddenLayers } = config;
  const size = `${formatInteger(vocabSize)} × ${formatInteger(hiddenSize)}`;
  const first = WIDE + 10;
  const norm = first + numHiddenLayers * STEP + 3;
  const head = norm + ROW + 10;
  const wide = (y: number, height: number, lines: readonly string[]): string =>
    box(OPERATOR.x, y, WIDTH, height, "plain", lines);
  const rows = config.layerTypes.map((type, index) => {
    const y = first + index * STEP;
    const [kind, label] = type === "conv" ? ["conv", "short conv"] : ["attention", "attention"];
    return [
      text(INDEX_END, y + 18, String(index), "end faint"),
      box(OPERATOR.x, y, OPERATOR.width, ROW, kind, [label]),
      index < config.numDenseLayers ? dense(y) : sparse(config, index, y),
    ].join("");
  });
  const parts = [
    stream(WIDE, norm),
    stream(norm + ROW, head),
    wide(0, WIDE, ["token embedding", size]),
    ...rows,
    wide(norm, ROW, ["RMS norm"]),
    wide(head, WIDE, [config.tieWordEmbeddings ? "head: the embedding again" : "head", size]),
  ];
  return { svg: parts.join("\n"), height: head + WIDE };
}

/** The hidden state runs down between the two columns. */
function stream(from: number, to: number): string {
  const x = (OPERATOR.x + OPERATOR.width + FEED_FORWARD.x) / 2;
  return arrow([x, from], [x, to]);
}

function dense(y: number): string {
  return box(FEED_FORWARD.x, y, FEED_FORWARD.width, ROW, "dense", ["dense"]);
}

/** Every expert is a tick; those that one token happened to choose are full. */
function sparse(config: Config, layer: number, y: number): string {
  const { x, width } = FEED_FORWARD;
  const chosen = someExperts(config, layer);
  const pitch = (width - 16) / config.numExperts;
  const tick = (expert: number, height: number): Bar => ({
    x: x + 8 + expert * pitch,
    y: y + (ROW - height) / 2,
    width: pitch * 0.72,
    height,
  });
  const experts = Array.from({ length: config.numExperts }, (_, expert) => expert);
  return (
    rectangle(x, y, width, ROW, "sparse") +
    bars(
      experts.filter((expert) => !chosen.has(expert)).map((expert) => tick(expert, 9)),
      "sparse thin",
    ) +
    bars(
      [...chosen].map((expert) => tick(expert, ROW - 10)),
      "sparse-mark",
    )
  );
}

/** An example choice, another one in each layer. */
function someExperts({ numExperts, numExpertsPerTok }: Config, layer: number): Set<number> {
  const experts = Array.from({ length: numExperts }, (_, expert) => expert);
  const order = experts.sort((a, b) => shareOf(layer, a) - shareOf(layer, b) || a - b);
  return new Set(order.slice(0, numExpertsPerTok));
}

export function drawStackHeads(): string {
  return (
    centred(OPERATOR.x + OPERATOR.width / 2, 0, "operator", "faint small") +
    centred(FEED_FORWARD.x + FEED_FORWARD.width / 2, 0, "feed-forward", "faint small")
  );
}
