// How answers are sampled: presets, and what the reader has set; kept in this browser.
import { signal } from "@preact/signals";
import type { SamplingOptions } from "../../sampling/options.ts";

export type Sampling = Partial<Pick<SamplingOptions, "temperature" | "topK" | "topP" | "minP" | "repetitionPenalty">>;

export interface Settings {
  readonly preset: string;
  /** On top of the model's own recommendation. */
  readonly sampling: Sampling;
  /** Empty: another one each time. */
  readonly seed: string;
  readonly maxTokens: string;
  readonly tools: boolean;
  /** Empty: the model thinks as long as it likes. */
  readonly thinkingTokens: string;
}

export const presets: Readonly<Record<string, Sampling>> = {
  recommended: {},
  greedy: { temperature: 0, repetitionPenalty: 1 },
  balanced: { temperature: 0.6, topP: 0.95, topK: 0, minP: 0 },
  lively: { temperature: 1, topP: 1, topK: 0, minP: 0.02 },
};

export const fields: readonly {
  readonly name: keyof Sampling;
  readonly label: string;
  readonly step: number;
  readonly max: number;
}[] = [
  { name: "temperature", label: "Temperature", step: 0.05, max: 5 },
  { name: "topK", label: "Top k (0: all)", step: 1, max: 1000 },
  { name: "topP", label: "Top p", step: 0.01, max: 1 },
  { name: "minP", label: "Min p", step: 0.01, max: 1 },
  { name: "repetitionPenalty", label: "Repetition penalty", step: 0.01, max: 5 },
];

const KEY = "lfm2-settings";
const initial: Settings = {
  preset: "recommended",
  sampling: {},
  seed: "",
  maxTokens: "",
  tools: false,
  thinkingTokens: "",
};

export const settings = signal<Settings>(read());

function read(): Settings {
  try {
    return { ...initial, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return initial;
  }
}

export function set(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
  localStorage.setItem(KEY, JSON.stringify(settings.value));
}

export function integerIn(text: string, least: number): number | undefined {
  return /^\d{1,15}$/.test(text) && Number(text) >= least ? Number(text) : undefined;
}
