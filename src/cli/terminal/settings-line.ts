// The settings in force on one line, and where each comes from.
import type { Settings } from "../../load/settings.ts";
import { threadsText } from "../../load/threads-text.ts";
import { formatInteger } from "../../quantities.ts";
import type { RecommendedSampling } from "../../sampling/defaults.ts";
import { PLAIN_SAMPLING, type SamplingOptions } from "../../sampling/options.ts";

const names = {
  temperature: "temperature",
  topK: "top-k",
  topP: "top-p",
  minP: "min-p",
  repetitionPenalty: "repeat penalty",
  frequencyPenalty: "frequency penalty",
  presencePenalty: "presence penalty",
  logitBias: "logit bias",
  order: "order",
} as const;

type Named = keyof typeof names;
const keys = Object.keys(names) as Named[];
/** Settings that change even a greedy choice. */
const greedyKeys: readonly Named[] = ["repetitionPenalty", "frequencyPenalty", "presencePenalty", "logitBias"];

/** `wasm int8 · KV f16 · context 4,096 · 2 of 4 threads, measured · relaxed SIMD`. */
export function computationLine(settings: Settings): string {
  const { backend, mode, kvType, contextLength, kernels, quantize } = settings;
  const weights = quantize === undefined ? "" : ` · weights to ${quantize}`;
  const common = `${backend} ${mode}${weights} · KV ${kvType} · context ${formatInteger(contextLength)}`;
  if (backend === "reference") return common;
  return `${common} · ${threadsText(settings)} · ${kernels} SIMD`;
}

/** `temperature 0.2, top-k 80 (table: LFM2.5)`; what the command line changed stands first. */
export function samplingLine(recommended: RecommendedSampling, stated: Partial<SamplingOptions>): string {
  const inForce = { ...recommended.sampling, ...stated };
  const said = (keys: readonly Named[]): string => keys.map((key) => `${names[key]} ${shown(inForce[key])}`).join(", ");
  // Values that change nothing are mentioned only if somebody asked for them.
  const isOn = (key: Named): boolean => shown(inForce[key]) !== shown(PLAIN_SAMPLING[key]);
  if (inForce.temperature === 0) {
    const changes = ["greedy", said(greedyKeys.filter(isOn))].filter(Boolean).join(", ");
    return `${changes} (${stated.temperature === 0 ? "command line" : recommended.origin})`;
  }
  const own = said(keys.filter((key) => stated[key] !== undefined));
  const theirs = said(keys.filter((key) => stated[key] === undefined && isOn(key)));
  return (
    [own && `${own} (command line)`, theirs && `${theirs} (${recommended.origin})`].filter(Boolean).join(", ") ||
    "plain sampling"
  );
}

function shown(value: SamplingOptions[Named]): string {
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([id, bias]) => `${id}=${bias}`)
    .join(" ");
}
