// The sparse feed-forward: a router chooses a few experts for every token.
import type { Config } from "../model/config.ts";
import { formatRanges } from "../quantities.ts";
import { shareOf } from "./numbers.ts";
import { type Panel, panel, whereOf } from "./panel.ts";
import { arrow, type Bar, bars, box, centred, line, node, rectangle, text } from "./svg.ts";

const BARS = { left: 226, width: 232, base: 148, height: 82 };

export function sparsePanel(config: Config): Panel {
  const { hiddenSize, numExperts, numExpertsPerTok: k, moeIntermediateSize: width, useExpertBias } = config;
  const y = 96;
  const row = 218;
  const sum = config.normTopkProb ? `, divided by the sum of the ${k} scores` : "";
  const scale = config.routedScalingFactor === 1 ? "" : `, times ${config.routedScalingFactor}`;
  const drawing = [
    text(16, y + 4.5, "h"),
    arrow([26, y], [44, y]),
    box(44, y - 22, 84, 44, "sparse", ["gate", `${hiddenSize} → ${numExperts}`]),
    arrow([128, y], [142, y]),
    box(142, y - 17, 64, 34, "plain", ["sigmoid"]),
    arrow([206, y], [BARS.left - 4, y]),
    ...scoreBars(config),
    arrow([BARS.left + BARS.width + 2, y], [480, y]),
    box(480, y - 22, 118, 44, "sparse", [`top ${k}`, useExpertBias ? "by score + bias" : "by score"]),
    // The chosen scores come down to weigh the sum.
    line([
      [539, y + 22],
      [539, row - 46],
    ]),
    text(531, 162, "their scores", "end small"),
    arrow([539, row - 46], [539, row - 11]),
    // The same hidden state goes to the chosen experts.
    line([
      [34, y],
      [34, row],
    ]),
    arrow([34, row], [52, row]),
    ...[8, 4, 0].map((offset) => rectangle(52 + offset, row - 26 - offset, 404, 52, "sparse")),
    centred(254, row - 9, `${k} experts: w2 · (silu(w1 · h) ⊙ w3 · h)`),
    centred(254, row + 11, `${hiddenSize} → ${width} → ${hiddenSize}`, "small"),
    arrow([464, row], [528, row]),
    node(539, row, "Σ"),
    arrow([550, row], [602, row]),
  ];
  const indices = config.layerTypes.map((_, index) => index);
  const prose = [`An expert that is chosen counts with its score${sum}${scale}.`];
  if (useExpertBias) prose.push("The bias decides who is chosen, never how much they count.");
  if (config.numDenseLayers > 0) {
    const dense = formatRanges(indices.slice(0, config.numDenseLayers));
    const layers = `layer${config.numDenseLayers > 1 ? "s" : ""} ${dense}`;
    prose.push(
      `The dense feed-forward of ${layers} is one such expert of width ${config.intermediateSize}, without a router.`,
    );
  }
  const where = whereOf(indices.slice(config.numDenseLayers), config.numHiddenLayers);
  return panel("sparse", `Sparse feed-forward, ${k} of ${numExperts} experts`, where, drawing, 258, prose.join(" "));
}

/** Invented scores, one bar an expert, with the bias on top. */
function scoreBars({ numExperts, numExpertsPerTok, useExpertBias }: Config): string[] {
  const { left, width, base, height } = BARS;
  const all = Array.from({ length: numExperts }, (_, expert) => {
    const score = 0.12 + 0.62 * shareOf(3, expert);
    const bias = useExpertBias ? 0.26 * shareOf(5, expert) ** 2 : 0;
    return { expert, score, bias };
  });
  const byTotal = [...all].sort((a, b) => b.score + b.bias - a.score - a.bias);
  const chosen = new Set(byTotal.slice(0, numExpertsPerTok));
  const pitch = width / numExperts;
  const part = ({ expert }: { expert: number }, from: number, to: number): Bar => ({
    x: left + expert * pitch,
    y: base - to * height,
    width: pitch * 0.7,
    height: (to - from) * height,
  });
  const whole = (bar: (typeof all)[number]): Bar => part(bar, 0, bar.score);
  const parts = [
    bars(all.filter((bar) => !chosen.has(bar)).map(whole), "sparse thin"),
    bars([...chosen].map(whole), "sparse-mark"),
    bars(
      all.filter(({ bias }) => bias > 0.02).map((bar) => part(bar, bar.score, bar.score + bar.bias)),
      "bias",
    ),
    line(
      [
        [left - 4, base],
        [left + width, base],
      ],
      "thin",
    ),
  ];
  const middle = left + width / 2;
  parts.push(centred(middle, base + 13, "a score in (0, 1) for every expert", "small"));
  if (useExpertBias)
    parts.push(centred(middle, base - height - 10, "+ bias (dashed), for the choice only", "small bias-text"));
  return parts;
}
