// The settings in force on one line, and where each comes from.
import type { Settings } from "../load.ts";
import type { RecommendedSampling } from "../sampling/defaults.ts";
import type { SamplingOptions } from "../sampling/options.ts";
import { formatInteger } from "./quantities.ts";

const names = {
  temperature: "temperature",
  topK: "top-k",
  topP: "top-p",
  minP: "min-p",
  repetitionPenalty: "repeat penalty",
} as const;

/** Values that change nothing, and so need no mention unless somebody asked for them. */
const off: Readonly<Record<keyof typeof names, number>> = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
};

/** `wasm int8 · KV f16 · context 4,096 · 2 threads, relaxed SIMD`. */
export function computationLine(settings: Settings): string {
  const { backend, mode, kvType, contextLength, threads, kernels, quantize } = settings;
  const weights = quantize === undefined ? "" : ` · weights to ${quantize}`;
  const common = `${backend} ${mode}${weights} · KV ${kvType} · context ${formatInteger(contextLength)}`;
  if (backend === "reference") return common;
  return `${common} · ${threads} ${threads === 1 ? "thread" : "threads"}, ${kernels} SIMD`;
}

/** `temperature 0.2, top-k 80 (table: LFM2.5)`; what the command line changed stands first. */
export function samplingLine(recommended: RecommendedSampling, stated: Partial<SamplingOptions>): string {
  const inForce = { ...recommended.sampling, ...stated };
  if (inForce.temperature === 0) {
    const penalty = inForce.repetitionPenalty === 1 ? "" : `, repeat penalty ${inForce.repetitionPenalty}`;
    return `greedy${penalty} (${stated.temperature === 0 ? "command line" : recommended.origin})`;
  }
  const said = (keys: (keyof typeof names)[]): string => keys.map((key) => `${names[key]} ${inForce[key]}`).join(", ");
  const keys = Object.keys(names) as (keyof typeof names)[];
  const own = said(keys.filter((key) => stated[key] !== undefined));
  const theirs = said(keys.filter((key) => stated[key] === undefined && inForce[key] !== off[key]));
  return (
    [own && `${own} (command line)`, theirs && `${theirs} (${recommended.origin})`].filter(Boolean).join(", ") ||
    "plain sampling"
  );
}
