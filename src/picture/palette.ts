// Colours for light and dark pages. The picture brings its own paper, so it is readable on any page.

interface Palette {
  readonly paper: string;
  readonly panel: string;
  readonly edge: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  /** Fill and stroke of each kind. */
  readonly plain: readonly [string, string];
  readonly conv: readonly [string, string];
  readonly attention: readonly [string, string];
  readonly dense: readonly [string, string];
  readonly sparse: readonly [string, string];
  readonly bias: string;
}

const light: Palette = {
  paper: "#ffffff",
  panel: "#f6f8fa",
  edge: "#d1d9e0",
  ink: "#1f2328",
  faint: "#59636e",
  line: "#6e7781",
  plain: ["#ffffff", "#8c959f"],
  conv: ["#dbeafe", "#2563eb"],
  attention: ["#ffedd5", "#c2410c"],
  dense: ["#dcfce7", "#15803d"],
  sparse: ["#ede9fe", "#7c3aed"],
  bias: "#a16207",
};

const dark: Palette = {
  paper: "#0d1117",
  panel: "#151b23",
  edge: "#3d444d",
  ink: "#e6edf3",
  faint: "#9aa4af",
  line: "#848d97",
  plain: ["#0d1117", "#656d76"],
  conv: ["#172f63", "#7ab0ff"],
  attention: ["#5a2a0d", "#ff9d5c"],
  dense: ["#123d22", "#5fd38a"],
  sparse: ["#3a2470", "#b79bff"],
  bias: "#e3b341",
};

/** Distinguishable by people who are colour-blind. Source: Okabe and Ito; lighter ones for dark pages. */
export const LIGHT_SERIES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56617a"];
export const DARK_SERIES = ["#56b4e9", "#ff9d5c", "#3fd0a0", "#e6a3cb", "#e6c84c", "#aab4c8"];

export function styleSheet(): string {
  return `text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.mid { text-anchor: middle; }
.end { text-anchor: end; }
.small { font-size: 11.5px; }
.title { font-size: 21px; font-weight: 650; }
.head { font-size: 14.5px; font-weight: 650; }
.line { fill: none; stroke-width: 1.3; }
.arrow { marker-end: url(#head); }
.dashed { stroke-dasharray: 4 3; }
.thin { stroke-width: 0.8; }
${rules(light)}
@media (prefers-color-scheme: dark) {
${rules(dark)}
}`;
}

function rules(palette: Palette): string {
  const { paper, panel, edge, ink, faint, line, bias } = palette;
  const kinds = (["plain", "conv", "attention", "dense", "sparse"] as const).map((kind) => {
    const [fill, stroke] = palette[kind];
    return `.${kind} { fill: ${fill}; stroke: ${stroke}; }\n.${kind}-mark { fill: ${stroke}; }`;
  });
  return [
    `text { fill: ${ink}; }`,
    `.faint { fill: ${faint}; }`,
    `.paper { fill: ${paper}; stroke: ${edge}; }`,
    `.panel { fill: ${panel}; stroke: ${edge}; }`,
    `.line { stroke: ${line}; }`,
    `.head-mark { fill: ${line}; }`,
    `.node { fill: ${paper}; stroke: ${line}; stroke-width: 1.3; }`,
    `.bias { fill: none; stroke: ${bias}; stroke-dasharray: 2 1.5; }`,
    `.bias-text { fill: ${bias}; }`,
    ...kinds,
  ].join("\n");
}
