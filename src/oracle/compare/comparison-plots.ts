// A comparison as pictures: error by layer, agreement of experts, and one run's logits over the other's.
import { round } from "../../picture/numbers.ts";
import { type Bar, bars, escapeXml, line, type Point, text } from "../../picture/svg.ts";
import { formatError } from "../../quantities.ts";
import { EMBEDDING, FINAL_NORM, HEAD, placeInLayer } from "../recorded/point-names.ts";
import type { Comparison, PointComparison } from "./compare.ts";

const WIDTH = 760;
const LEFT = 62;
const RIGHT = WIDTH - 20;

/** @param description  what the picture shows, for those who do not see it */
function svg(height: number, title: string, description: string, content: readonly string[]): string {
  const words = `<title>${escapeXml(title)}</title><desc>${escapeXml(description)}</desc>`;
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img">${words}\n${content.join("\n")}\n</svg>`;
}

const series = [
  { label: "layer", parts: [""] },
  { label: "operator", parts: ["conv", "self_attn"] },
  { label: "feed-forward", parts: ["feed_forward"] },
] as const;

/** RMS relative error along the graph, in decades; equal bits lie on the floor. */
export function drawErrorByLayer({ points }: Comparison): string | undefined {
  const layers = Math.max(-1, ...points.map(({ name }) => placeInLayer(name)?.layer ?? -1)) + 1;
  const ends = [EMBEDDING, FINAL_NORM, HEAD].map((end) => points.find(({ name }) => name === end));
  if (layers === 0 && ends.every((end) => end === undefined)) return undefined;
  const errors = points.map(({ gap }) => gap?.rmsRelative ?? 0).filter((error) => error > 0 && Number.isFinite(error));
  const low = Math.floor(Math.log10(Math.max(1e-12, Math.min(1e-6, ...errors))));
  const high = Math.max(0, Math.ceil(Math.log10(Math.min(1e6, Math.max(1e-3, ...errors)))));
  const [top, bottom] = [40, 300];
  // The embedding and the two after the layers stand apart, so that their names have room.
  const x = (place: number): number => {
    if (place === 0) return LEFT + 24;
    if (place > layers) return RIGHT - (place > layers + 1 ? 22 : 66);
    return round(LEFT + 74 + ((place - 1) / Math.max(1, layers - 1)) * (RIGHT - LEFT - 190));
  };
  const y = (error: number): number => {
    const decades = error <= 0 ? low : Math.log10(Math.min(10 ** high, Math.max(10 ** low, error)));
    return round(bottom - ((decades - low) / (high - low)) * (bottom - top));
  };
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((tick) => (high - tick) % 2 === 0);
  const grid = ticks.flatMap((tick) => [
    line(
      [
        [LEFT, y(10 ** tick)],
        [RIGHT, y(10 ** tick)],
      ],
      "grid",
    ),
    text(LEFT - 8, y(10 ** tick) + 4, `1e${tick}`, "end faint"),
  ]);
  const step = Math.max(1, Math.ceil(layers / 16));
  const names = [
    text(x(0), bottom + 20, "embed", "mid faint"),
    ...Array.from({ length: Math.ceil(layers / step) }, (_, i) =>
      text(x(i * step + 1), bottom + 20, `${i * step}`, "mid faint"),
    ),
    text(x(layers + 1), bottom + 20, "norm", "mid faint"),
    text(x(layers + 2), bottom + 20, "head", "mid faint"),
  ];
  const mark = (place: number, { name, gap, within }: PointComparison, hue: number): string => {
    const error = gap?.rmsRelative ?? Number.POSITIVE_INFINITY;
    const tip = `<title>${escapeXml(`${name}: RMS relative ${formatError(error)}${within ? "" : ", outside tolerance"}`)}</title>`;
    const shape = within ? `class="fill${hue}" r="3"` : `class="hollow stroke${hue}" r="5"`;
    return `<circle cx="${x(place)}" cy="${y(error)}" ${shape}>${tip}</circle>`;
  };
  const drawn = series.flatMap(({ parts }, hue) => {
    const found = points.flatMap((point) => {
      const place = placeInLayer(point.name);
      const isPart = place !== undefined && (parts as readonly string[]).includes(place.part);
      return isPart && point.gap !== undefined ? [{ place: place.layer + 1, point }] : [];
    });
    const path = found.map(({ place, point }): Point => [x(place), y(point.gap?.rmsRelative ?? 0)]);
    return [line(path, `series stroke${hue}`), ...found.map(({ place, point }) => mark(place, point, hue))];
  });
  const atEnds = ends.flatMap((end, i) => (end?.gap === undefined ? [] : [mark(i === 0 ? 0 : layers + i, end, 3)]));
  const legend = [...series.map(({ label }) => label), "before and after the layers"].map((label, hue) => {
    const at = LEFT + hue * 110;
    return `<circle cx="${at}" cy="14" r="4" class="fill${hue}"/>${text(at + 9, 18, label)}`;
  });
  const axes = [text(LEFT + 74, bottom + 38, "layer", "faint"), text(RIGHT, 18, "RMS relative error", "end faint")];
  const content = [...legend, ...axes, ...grid, ...names, ...drawn, ...atEnds];
  const description =
    "RMS relative error of each layer, its operator and its feed-forward, on a logarithmic scale. Hollow marks are outside tolerance.";
  return svg(bottom + 46, "Error by layer", description, content);
}

/** A row to each sparse layer, a column to each expert: of the tokens that A sent there, the share that B sent there, too. */
export function drawExperts({ points }: Comparison): string | undefined {
  const routers = points.flatMap(({ name, router }) =>
    router === undefined ? [] : [{ layer: placeInLayer(name)?.layer ?? 0, router }],
  );
  if (routers.length === 0) return undefined;
  const experts = Math.max(...routers.map(({ router }) => router.usage.a.length));
  const cell = Math.min(20, (RIGHT - LEFT) / experts);
  const [top, high] = [44, 16];
  // Many cells of one look are one shape, and a cell that agrees needs no words.
  const looks: Bar[][] = Array.from({ length: LOOKS + 2 }, () => []);
  const tips: string[] = [];
  for (const [row, { layer, router }] of routers.entries()) {
    const { a, b, both } = router.usage;
    for (let e = 0; e < a.length; e++) {
      const bar = { x: LEFT + e * cell, y: top + row * high, width: Math.max(0.5, cell - 1), height: high - 1 };
      const chosen = a[e] + b[e] - both[e];
      const look = chosen === 0 ? 0 : 1 + Math.round(LOOKS * (1 - both[e] / chosen));
      looks[look].push(bar);
      if (look > 1 && tips.length < MAX_TIPS) {
        const says = `layer ${layer}, expert ${e}: ${a[e]} by A, ${b[e]} by B, ${both[e]} by both`;
        tips.push(
          `<rect x="${round(bar.x)}" y="${bar.y}" width="${round(bar.width)}" height="${bar.height}" class="over"><title>${says}</title></rect>`,
        );
      }
    }
  }
  const labels = routers.map(({ layer }, row) => text(LEFT - 8, top + row * high + 12, `${layer}`, "end faint"));
  const step = Math.max(1, Math.ceil(24 / cell));
  const columns = Array.from({ length: Math.ceil(experts / step) }, (_, i) =>
    text(round(LEFT + i * step * cell + cell / 2), top - 6, `${i * step}`, "mid faint"),
  );
  const legend = ["nobody's", "both", "", "", "only one of the two"].map((label, look) => {
    const at = [LEFT, LEFT + 90, LEFT + 145, LEFT + 159, LEFT + 173][look];
    return `<rect x="${at}" y="6" width="12" height="12" class="look${look}"/>${text(at + 18, 16, label)}`;
  });
  const content = [
    ...legend,
    ...columns,
    ...labels,
    ...looks.map((cells, look) => bars(cells, `look${look}`)),
    ...tips,
  ];
  const flips = routers.reduce((sum, { router }) => sum + router.flips, 0);
  const description = `A row to each sparse layer, a column to each expert, coloured by how many of the tokens sent there by one run were sent there by both. ${flips} flips in all.`;
  return svg(top + routers.length * high + 10, "Agreement of experts", description, content);
}

const LOOKS = 3;
const MAX_TIPS = 2000;

/** One dot to each of some logits. */
export function drawLogits({ points }: Comparison): string | undefined {
  const sample = points
    .find(({ logits }) => logits !== undefined)
    ?.logits?.sample.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  if (sample === undefined || sample.length === 0) return undefined;
  const all = sample.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || 1;
  const [top, side] = [14, 360];
  const x = (value: number): number => round(LEFT + 10 + ((value - low) / span) * (side - 20));
  const y = (value: number): number => round(top + side - 10 - ((value - low) / span) * (side - 20));
  const dots = sample.map(([a, b]) => `M${x(a)} ${y(b)}h0`).join("");
  const content = [
    line(
      [
        [LEFT, top],
        [LEFT, top + side],
        [LEFT + side, top + side],
      ],
      "axis",
    ),
    line(
      [
        [x(low), y(low)],
        [x(high), y(high)],
      ],
      "grid",
    ),
    `<path d="${dots}" class="dots"/>`,
    text(LEFT - 8, y(low) + 4, formatError(low), "end faint"),
    text(LEFT - 8, y(high) + 4, formatError(high), "end faint"),
    text(x(low), top + side + 18, formatError(low), "mid faint"),
    text(x(high), top + side + 18, formatError(high), "mid faint"),
    text(LEFT + side / 2, top + side + 18, "A", "mid"),
    text(LEFT - 24, top + side / 2, "B", "end"),
  ];
  const description = `${sample.length} of the logits: A's across, B's upwards; equal ones lie on the diagonal.`;
  return svg(top + side + 30, "Logits of B over logits of A", description, content);
}
