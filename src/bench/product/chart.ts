// Lines and bars as self-contained SVG, readable on light and on dark pages.
//
// Drawn here because libraries of charts need a page to draw on: uplot 1.6.32 a canvas, @observablehq/plot 0.6.17 (with all
// of d3) and chartist 1.5.0 a DOM, which Node has only by another dependency. svg-line-chart 0.4.1 has none of this, and is
// under the GPL.
import { round } from "../../picture/numbers.ts";
import { DARK_SERIES, LIGHT_SERIES } from "../../picture/palette.ts";
import { escapeXml, line, type Point, rectangle, text } from "../../picture/svg.ts";
import { formatInteger, threeDigits } from "../../quantities.ts";

export interface Figure {
  readonly y: number;
  /** Lowest and highest of the rounds. */
  readonly low: number;
  readonly high: number;
}

export interface Series {
  readonly label: string;
  /** One figure to each place on the x axis; a gap where there is none. */
  readonly figures: readonly (Figure | undefined)[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Numbers, ascending, are joined by lines; names have bars. */
  readonly xs: readonly number[] | readonly string[];
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 64;
const TOP = 94;
const BOTTOM = HEIGHT - 58;
const LINE_HEIGHT = 16;
/** Width of a character, at most. */
const CHARACTER = 6.7;

/** Where figures go: y by value, and the right end of the plot, beyond which series have their names. */
interface Frame {
  readonly y: (value: number) => number;
  readonly right: number;
}

export function drawChart(chart: Chart): string {
  const { series, xs } = chart;
  const most = Math.max(...series.flatMap(({ figures }) => figures.map((figure) => figure?.high ?? 0)));
  const step = niceStep(most / 5);
  const top = Math.max(step, Math.ceil(most / step) * step);
  const y = (value: number): number => round(BOTTOM - (value / top) * (BOTTOM - TOP));
  const longest = series.length === 1 ? 0 : Math.max(...series.map(({ label }) => label.length));
  const right = WIDTH - 24 - Math.ceil((longest === 0 ? 0 : longest + 8) * CHARACTER);
  const frame = { y, right };
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  const grid = ticks.flatMap((tick) => [
    line(
      [
        [LEFT, y(tick)],
        [right, y(tick)],
      ],
      "grid",
    ),
    text(LEFT - 8, y(tick) + 4, tickText(tick), "end small faint"),
  ]);
  const body = isNumeric(xs) ? lines(series, xs, frame) : bars(series, xs as readonly string[], frame);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>${escapeXml(chart.title)}</title>`,
    `<style>\n${styleSheet()}\n</style>`,
    rectangle(0.5, 0.5, WIDTH - 1, HEIGHT - 1, "paper", 6),
    text(20, 30, chart.title, "title"),
    text(20, 50, chart.subtitle, "small faint"),
    text(20, TOP - 18, chart.yLabel, "small"),
    text(round((LEFT + right) / 2), HEIGHT - 14, chart.xLabel, "mid small"),
    ...grid,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function lines(series: readonly Series[], xs: readonly number[], { y, right }: Frame): string[] {
  const [first, last] = [xs[0], xs[xs.length - 1]];
  const x = (value: number): number => round(LEFT + 20 + ((value - first) / (last - first || 1)) * (right - LEFT - 40));
  // The first places of a list of powers lie close together: the later ones have their numbers.
  const free = xs.filter((value, i) => i === xs.length - 1 || x(xs[i + 1]) - x(value) >= 44);
  const places = free.map((value) => text(x(value), BOTTOM + 18, formatInteger(value), "mid small faint"));
  const drawn = series.flatMap(({ label, figures }, i) => {
    const own = `stroke${hue(i)}`;
    const points: Point[] = [];
    const marks = xs.flatMap((value, at) => {
      const figure = figures[at];
      if (figure === undefined) return [];
      const [px, py] = [x(value), y(figure.y)];
      points.push([px, py]);
      // Of two lines the lower one has its numbers below; of more, only the ends have them, beside the names.
      const isLower = series.some((other) => (other.figures[at]?.y ?? 0) > figure.y);
      const number = text(px, isLower ? py + 19 : py - 9, threeDigits(figure.y), "mid small");
      return [
        line(
          [
            [px, y(figure.low)],
            [px, y(figure.high)],
          ],
          `range ${own}`,
        ),
        `<circle cx="${px}" cy="${py}" r="3.5" class="fill${hue(i)}">${tip(label, formatInteger(value), figure)}</circle>`,
        ...(series.length <= 2 && free.includes(value) ? [number] : []),
      ];
    });
    return [line(points, `series ${own}`), ...marks];
  });
  return [...places, ...drawn, ...(series.length > 1 ? endLabels(series, { y, right }) : [])];
}

function bars(series: readonly Series[], xs: readonly string[], { y, right }: Frame): string[] {
  const room = (right - LEFT) / xs.length;
  const width = Math.min(56, (room * 0.8) / series.length);
  const drawn = xs.flatMap((name, at) => {
    const middle = LEFT + (at + 0.5) * room;
    return [
      text(round(middle), BOTTOM + 18, name, "mid small"),
      ...series.flatMap(({ label, figures }, i) => {
        const figure = figures[at];
        if (figure === undefined) return [];
        const left = round(middle + (i - series.length / 2) * width);
        const centre = round(left + width / 2);
        const bar = rectangle(left + 1, y(figure.y), round(width - 2), round(BOTTOM - y(figure.y)), `fill${hue(i)}`, 2);
        return [
          bar.replace("/>", `>${tip(label, name, figure)}</rect>`),
          line(
            [
              [centre, y(figure.low)],
              [centre, y(figure.high)],
            ],
            "range ink",
          ),
          text(centre, y(figure.high) - 6, threeDigits(figure.y), "mid small"),
        ];
      }),
    ];
  });
  const names = series.flatMap(({ label }, i) => [
    rectangle(right + 14, TOP + i * LINE_HEIGHT - 9, 10, 10, `fill${hue(i)}`, 2),
    text(right + 30, TOP + i * LINE_HEIGHT, label, "small"),
  ]);
  return [...drawn, ...(series.length > 1 ? names : [])];
}

/** Last figure and name at the end of each line, moved apart where lines end close together. */
function endLabels(series: readonly Series[], { y, right }: Frame): string[] {
  const ends = series.map(({ label, figures }, i) => {
    const value = figures.findLast((figure) => figure !== undefined)?.y ?? 0;
    return { i, label: series.length <= 2 ? label : `${threeDigits(value)}  ${label}`, at: y(value) + 4 };
  });
  ends.sort((a, b) => a.at - b.at);
  let free = TOP;
  return ends.map(({ i, label, at: wanted }) => {
    const at = Math.max(wanted, free);
    free = at + LINE_HEIGHT;
    return text(right + 4, round(at), label, `small ink${hue(i)}`);
  });
}

/** What a pointer that rests on a mark shows. */
function tip(label: string, x: string, { y, low, high }: Figure): string {
  const where = [label, x].filter(Boolean).join(", ");
  return `<title>${escapeXml(`${where}: ${threeDigits(y)} (${threeDigits(low)}–${threeDigits(high)})`)}</title>`;
}

/** After six series the colours begin again. */
function hue(series: number): number {
  return series % LIGHT_SERIES.length;
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}

function tickText(value: number): string {
  return formatInteger(Number(value.toPrecision(6)));
}

function isNumeric(xs: Chart["xs"]): xs is readonly number[] {
  return typeof xs[0] === "number";
}

function styleSheet(): string {
  const colours = (all: readonly string[]): string =>
    all.map((colour, i) => `.stroke${i} { stroke: ${colour}; } .fill${i}, .ink${i} { fill: ${colour}; }`).join("\n");
  return `text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: #1f2328; }
.mid { text-anchor: middle; }
.end { text-anchor: end; }
.small { font-size: 12px; }
.title { font-size: 17px; font-weight: 650; }
.faint { fill: #59636e; }
.paper { fill: #ffffff; stroke: #d1d9e0; }
.line { fill: none; }
.grid { stroke: #e5e9ee; }
.series { stroke-width: 2; }
.range { stroke-width: 1.5; opacity: 0.55; }
.ink { stroke: #1f2328; }
${colours(LIGHT_SERIES)}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.faint { fill: #9aa4af; }
.paper { fill: #0d1117; stroke: #3d444d; }
.grid { stroke: #262c36; }
.ink { stroke: #e6edf3; }
${colours(DARK_SERIES)}
}`;
}
