// What a published number is held against: the model's own tokens, config, logits and continuations.
import { exp } from "../../float.ts";
import type { Config } from "../../model/config.ts";
import { formatError, formatInteger } from "../../quantities.ts";
import { logSumExp } from "../eval/softmax-gap.ts";
import type { Input, Step } from "./entry.ts";

export interface Finding {
  readonly passed: boolean;
  /** What was found, and of what was expected. */
  readonly says: string;
}

/** An opened model, as far as published facts concern one. */
export interface TriedModel {
  readonly config: Config;
  readonly checkpoint: { readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[] }> };
  encodeChat(messages: Extract<Input, { readonly messages: unknown }>["messages"]): Promise<number[]>;
  tokenizer(): Promise<{
    encode(text: string, options: { readonly addBos: boolean; readonly parseSpecial: boolean }): Promise<number[]>;
    decode(ids: readonly number[]): string;
  }>;
  logits(
    ids: readonly number[],
    options: { readonly signal?: AbortSignal },
  ): Promise<{ readonly data: Float32Array; readonly rows: number; readonly cols: number }>;
  generate(
    ids: readonly number[],
    options: {
      readonly temperature: number;
      readonly repetitionPenalty: number;
      readonly maxTokens: number;
      readonly signal?: AbortSignal;
    },
  ): AsyncIterable<number>;
}

/** Those that need nothing but the model. */
export type ModelStep = Exclude<Step, { readonly kind: "file" | "command" }>;

/** @throws what the model throws */
export async function tryStep(model: TriedModel, step: ModelStep, signal?: AbortSignal): Promise<Finding> {
  switch (step.kind) {
    case "tokens":
      return tokens(model, step);
    case "config":
      return config(model, step);
    case "parameters": {
      const all = [...model.checkpoint.tensors.values()];
      const count = all.reduce((sum, { shape }) => sum + shape.reduce((product, axis) => product * axis, 1), 0);
      return {
        passed: count === step.count,
        says: `${formatInteger(count)} of ${formatInteger(step.count)} parameters`,
      };
    }
    case "means": {
      const { data, rows, cols } = await logitsOf(model, await idsOf(model, step.input), signal);
      const means = Array.from({ length: rows }, (_, t) => mean(data.subarray(t * cols, (t + 1) * cols)));
      return within(means, step.expected, step.atol, "means over the vocabulary");
    }
    case "slice": {
      const { data, cols } = await logitsOf(model, await idsOf(model, step.input), signal);
      const from = step.position * cols + step.first;
      return within(data.subarray(from, from + step.expected.length), step.expected, step.atol, "logits");
    }
    case "top":
      return top(model, step, signal);
    case "greedy":
      return greedy(model, step, signal);
    case "text":
      return text(model, step, signal);
    case "loss":
      return loss(model, step, signal);
  }
}

type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;

async function idsOf(model: TriedModel, input: Input): Promise<number[]> {
  if ("ids" in input) return [...input.ids];
  if ("messages" in input) return model.encodeChat(input.messages);
  return (await model.tokenizer()).encode(input.text, { addBos: input.bos, parseSpecial: true });
}

function logitsOf(model: TriedModel, ids: readonly number[], signal?: AbortSignal) {
  return model.logits(ids, { signal });
}

function mean(row: Float32Array): number {
  return row.reduce((sum, value) => sum + value, 0) / row.length;
}

function within(found: ArrayLike<number>, expected: readonly number[], atol: number, what: string): Finding {
  if (found.length !== expected.length) {
    return { passed: false, says: `${found.length} ${what} where ${expected.length} are published` };
  }
  const apart = expected.map((value, i) => Math.abs(value - found[i]));
  const worst = apart.indexOf(Math.max(...apart));
  // A NaN is near nothing.
  const passed = apart.every((difference) => difference <= atol);
  const says = `${what} within ${formatError(apart[worst] ?? Number.NaN)} of what is published, ${formatError(atol)} allowed`;
  return { passed, says };
}

async function tokens(model: TriedModel, { cases }: StepOf<"tokens">): Promise<Finding> {
  for (const { input, ids } of cases) {
    const found = await idsOf(model, input);
    if (found.length === ids.length && found.every((id, i) => id === ids[i])) continue;
    const at = ids.findIndex((id, i) => id !== found[i]);
    const what = "messages" in input ? `conversation ${JSON.stringify(input.messages)}` : JSON.stringify(input);
    const says = `of ${what.slice(0, 80)}, token ${at < 0 ? ids.length : at} is ${found[at] ?? "none"} instead of ${ids[at] ?? "none"}`;
    return { passed: false, says };
  }
  return { passed: true, says: `the ids of ${cases.length === 1 ? "1 text" : `${cases.length} texts`}` };
}

function config(model: TriedModel, { expected }: StepOf<"config">): Finding {
  const own = model.config as unknown as Readonly<Record<string, unknown>>;
  const keys = Object.keys(expected);
  const wrong = keys.filter((key) => JSON.stringify(own[key]) !== JSON.stringify(expected[key]));
  if (wrong.length === 0) return { passed: true, says: `${keys.length} numbers of the config` };
  const [key] = wrong;
  return { passed: false, says: `${key} is ${JSON.stringify(own[key])} instead of ${JSON.stringify(expected[key])}` };
}

async function top(model: TriedModel, { input, expected, others }: StepOf<"top">, signal?: AbortSignal) {
  const { data, rows, cols } = await logitsOf(model, await idsOf(model, input), signal);
  const row = data.subarray((rows - 1) * cols);
  const ids = Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b);
  const found = ids.slice(0, expected.length);
  const shared = expected.filter((id) => found.includes(id)).length;
  const says = `${shared} of the ${expected.length} likeliest ids; found ${found.join(", ")}`;
  return { passed: shared >= expected.length - others, says };
}

/** One pass over input and expected ids: a choice that differs does not lead the later ones astray. */
async function greedy(model: TriedModel, step: StepOf<"greedy">, signal?: AbortSignal): Promise<Finding> {
  const { expected, first, margins, leastMargin = 0 } = step;
  const ids = await idsOf(model, step.input);
  const { data, cols } = await logitsOf(model, [...ids, ...expected.slice(0, first - 1)], signal);
  const counted = expected
    .slice(0, first)
    .flatMap((id, i) => ((margins?.[i] ?? Number.POSITIVE_INFINITY) >= leastMargin ? [{ id, i }] : []));
  const found = counted.map(({ i }) => highest(data.subarray((ids.length - 1 + i) * cols, (ids.length + i) * cols)));
  const at = counted.findIndex(({ id }, n) => id !== found[n]);
  if (at < 0) return { passed: true, says: `${counted.length} ids, each the likeliest after those before it` };
  return {
    passed: false,
    says: `id ${found[at]} instead of ${counted[at].id} at ${counted[at].i} of the continuation`,
  };
}

function highest(row: Float32Array): number {
  return row.reduce((best, value, id) => (value > row[best] ? id : best), 0);
}

async function text(model: TriedModel, { input, begins, tokens: count }: StepOf<"text">, signal?: AbortSignal) {
  const ids: number[] = [];
  const options = { temperature: 0, repetitionPenalty: 1, maxTokens: count, signal };
  for await (const id of model.generate(await idsOf(model, input), options)) ids.push(id);
  const found = (await model.tokenizer()).decode(ids);
  return {
    passed: found.startsWith(begins),
    says: `a continuation that begins ${JSON.stringify(found.slice(0, begins.length + 8))}`,
  };
}

async function loss(model: TriedModel, { input, expected, atol }: StepOf<"loss">, signal?: AbortSignal) {
  const ids = await idsOf(model, input);
  const { data, cols } = await logitsOf(model, ids, signal);
  let sum = 0;
  for (let t = 0; t + 1 < ids.length; t++) {
    const row = data.subarray(t * cols, (t + 1) * cols);
    sum += logSumExp(row) - row[ids[t + 1]];
  }
  const found = sum / (ids.length - 1);
  const says = `a loss of ${formatError(found, 5)} nats (perplexity ${formatError(exp(found), 4)}), published ${expected}, ${formatError(atol)} allowed`;
  return { passed: Math.abs(found - expected) <= atol, says };
}
