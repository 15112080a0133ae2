// A comparison as one HTML file: words, plots and the table, with nothing to load.
import { DARK_SERIES, LIGHT_SERIES } from "../../picture/palette.ts";
import { escapeXml } from "../../picture/svg.ts";
import type { Diagnosed } from "../diagnose/diagnose.ts";
import type { Comparison } from "./compare.ts";
import { drawErrorByLayer, drawExperts, drawLogits } from "./comparison-plots.ts";
import { wording } from "./comparison-text.ts";
import { verdictOf } from "./verdict.ts";

/** Rows of the table. 24 layers with every point inside them have about 400. */
const MAX_ROWS = 5000;

const titles = {
  equal: "Equal",
  rounding: "Equal within rounding",
  "near-ties": "Equal but for near ties",
  different: "Different",
} as const;

export function comparisonHtml(comparison: Comparison, diagnosed: Diagnosed): string {
  const words = wording(comparison, diagnosed, true);
  const { wide, runs, notes, scope, verdict, cause, table, logits, flips } = words;
  const title = titles[verdictOf(comparison, diagnosed).is];
  const [head, ...rows] = table;
  const plots = [
    ["Error by layer", drawErrorByLayer(comparison)],
    ["Experts", drawExperts(comparison)],
    ["Logits", drawLogits(comparison)],
  ] as const;
  const outside = new Set(comparison.points.filter(({ within }) => !within).map(({ name }) => name));
  const row = (cells: readonly string[]): string =>
    `<tr${outside.has(cells[0]) ? ' class="outside"' : ""}><th scope="row">${escapeXml(cells[0])}</th>` +
    `${cells
      .slice(1)
      .map((cell) => `<td>${escapeXml(cell)}</td>`)
      .join("")}</tr>`;
  const paragraph = (text: string): string => `<p>${escapeXml(text)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: ${escapeXml(comparison.a.name)} and ${escapeXml(comparison.b.name)}</title>
<style>
${STYLE}
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${wide === "" ? "" : paragraph(wide)}
<dl><dt>A</dt><dd>${escapeXml(runs[0])}</dd><dt>B</dt><dd>${escapeXml(runs[1])}</dd></dl>
<p class="verdict">${escapeXml(verdict)}</p>
${cause.map(paragraph).join("\n")}
${notes.map(paragraph).join("\n")}
${paragraph(scope)}
${plots.flatMap(([name, plot]) => (plot === undefined ? [] : [`<section>\n<h2>${name}</h2>\n${plot}\n${name === "Logits" ? logits.map(paragraph).join("\n") : ""}</section>`])).join("\n")}
${flips.length === 0 ? "" : `<section>\n<h2>Flipped experts</h2>\n<ul>\n${flips.map((flip) => `<li>${escapeXml(flip)}</li>`).join("\n")}\n</ul>\n</section>`}
<section>
<h2>Every point</h2>
<div class="scroll" tabindex="0">
<table>
<thead><tr>${head.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join("")}</tr></thead>
<tbody>
${rows.slice(0, MAX_ROWS).map(row).join("\n")}
</tbody>
</table>
</div>
${rows.length > MAX_ROWS ? `<p>… and ${rows.length - MAX_ROWS} more.</p>` : ""}
</section>
</main>
</body>
</html>
`;
}

const colours = (all: readonly string[]): string =>
  all.map((colour, i) => `.stroke${i} { stroke: ${colour}; } .fill${i} { fill: ${colour}; }`).join("\n");

const STYLE = `:root { --ink: #1f2328; --faint: #59636e; --paper: #ffffff; --edge: #d1d9e0; --grid: #e5e9ee; --warn: #fff1e5;
  --look0: #eef1f4; --look1: #0072b2; --look2: #8fb8a8; --look3: #e8b04a; --look4: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9aa4af; --paper: #0d1117; --edge: #3d444d;
  --grid: #262c36; --warn: #3a2410; --look0: #1b212a; --look1: #56b4e9; --look2: #6f9f8f; --look3: #d9a441; --look4: #ff9d5c; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p, dd, li { overflow-wrap: anywhere; max-width: 52rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; }
dt { font-weight: 650; } dd { margin: 0; }
.verdict { font-weight: 650; }
svg { width: 100%; max-width: 760px; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--ink); }
svg .faint { fill: var(--faint); } svg .mid { text-anchor: middle; } svg .end { text-anchor: end; }
.line { fill: none; } .grid { stroke: var(--grid); } .axis { stroke: var(--faint); } .series { stroke-width: 2; }
.hollow { fill: var(--paper); stroke-width: 2; } .over { fill: transparent; }
.dots { stroke: var(--look1); stroke-width: 3; stroke-linecap: round; opacity: .6; fill: none; }
${[0, 1, 2, 3, 4].map((look) => `.look${look} { fill: var(--look${look}); }`).join(" ")}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid var(--edge); white-space: nowrap; }
th:first-child { text-align: left; font-weight: 400; } thead th { font-weight: 650; }
.outside { background: var(--warn); }
${colours(LIGHT_SERIES)}
@media (prefers-color-scheme: dark) {
${colours(DARK_SERIES)}
}`;
