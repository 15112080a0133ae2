// A model's layers as one SVG picture, drawn from its config alone: the whole on the left, its parts on the right.
import type { Config } from "../model/config.ts";
import { createWeights, type Weights } from "../model/weights.ts";
import { formatCount, formatInteger } from "../quantities.ts";
import { attentionPanel } from "./attention-panel.ts";
import { densePanel } from "./dense-panel.ts";
import { layerPanel } from "./layer-panel.ts";
import { styleSheet } from "./palette.ts";
import { type Kind, layersOf, PANEL_WIDTH } from "./panel.ts";
import { shortConvPanel } from "./short-conv-panel.ts";
import { sparsePanel } from "./sparse-panel.ts";
import { drawStack, drawStackHeads, STACK_WIDTH } from "./stack.ts";
import { escapeXml, group, rectangle, text } from "./svg.ts";

const MARGIN = 20;
const TOP = 104;
const GAP = 14;
const PANELS_LEFT = MARGIN + STACK_WIDTH + 24;
const WIDTH = PANELS_LEFT + PANEL_WIDTH + MARGIN;

/**
 * A self-contained SVG document, readable on light and dark pages.
 *
 * @param name  shown as the title
 */
export function drawLayers(config: Config, name: string): string {
  const conv = layersOf(config, "conv").length;
  const attention = config.numHiddenLayers - conv;
  const sparse = config.numHiddenLayers - config.numDenseLayers;

  const panels = [layerPanel()];
  if (conv > 0) panels.push(shortConvPanel(config));
  if (attention > 0) panels.push(attentionPanel(config));
  panels.push(sparse > 0 ? sparsePanel(config) : densePanel(config));
  const stack = drawStack(config);
  const panelsHeight = panels.reduce((sum, { height }) => sum + height + GAP, -GAP);
  const height = TOP + Math.max(stack.height, panelsHeight) + MARGIN;

  let y = TOP;
  const placed = panels.map((panel) => {
    const svg = group(PANELS_LEFT, y, panel.svg);
    y += panel.height + GAP;
    return svg;
  });
  const subtitle = `${config.numHiddenLayers} layers over a hidden state of ${formatInteger(config.hiddenSize)} numbers, ${parameters(config)}`;
  const title = `${name}: ${subtitle}`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>\n${styleSheet()}\n</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8 L8 4 L0 7.2 Z" class="head-mark"/></marker></defs>',
    rectangle(0.5, 0.5, WIDTH - 1, height - 1, "paper", 10),
    text(MARGIN, 40, name, "title"),
    text(MARGIN, 63, subtitle, "faint"),
    legend([
      ["conv", "short convolution", conv],
      ["attention", "attention", attention],
      ["dense", "dense", config.numDenseLayers],
      ["sparse", "sparse", sparse],
    ]),
    group(MARGIN, TOP - 12, drawStackHeads()),
    group(MARGIN, TOP, stack.svg),
    ...placed,
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** "8.34 B parameters, 1.56 B of them at work for each token". */
function parameters(config: Config): string {
  let all = 0;
  let active = 0;
  createWeights(config, ({ rows, cols, experts }) => {
    all += experts * rows * cols;
    active += (experts > 1 ? config.numExpertsPerTok : 1) * rows * cols;
    return {} as Weights["embedTokens"]; // only the sizes are wanted
  });
  return active === all
    ? `${formatCount(all)} parameters`
    : `${formatCount(all)} parameters, ${formatCount(active)} of them at work for each token`;
}

/** One line. Kinds that the model does not have are left out. */
function legend(kinds: readonly [kind: Kind, label: string, count: number][]): string {
  let x = PANELS_LEFT;
  const entries = kinds
    .filter(([, , count]) => count > 0)
    .map(([kind, label, count]) => {
      const content = `${label} × ${count}`;
      const svg = rectangle(x, 77, 13, 13, kind, 3) + text(x + 20, 88, content, "small");
      x += 20 + content.length * 6.3 + 22;
      return svg;
    });
  return entries.join("\n");
}
