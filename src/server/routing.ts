// Which experts each token went to: what `routing: true` adds to an answer.
import { z } from "zod";
import type { LanguageModel } from "../index.ts";
import { refused } from "./failure.ts";

export const routingField = z
  .boolean()
  .nullish()
  .describe(
    "Adds `routing` to each choice: { layers, first, prompt_tokens, tokens }. `layers` are those that have experts; " +
      "`tokens` are those that the model has read, prompt and answer, from position `first` on, the last 4096 at most: " +
      "{ id, experts, weights }, each with one list for each layer. Experts ascend; weights are in their order. The ids are " +
      "read once more for it.",
  );

interface Routing {
  readonly layers: readonly number[];
  /** Position of the first token that is told of. */
  readonly first: number;
  readonly prompt_tokens: number;
  readonly tokens: readonly RoutedToken[];
}

interface RoutedToken {
  readonly id: number;
  /** [layers][k], ascending. */
  readonly experts: number[][];
  /** [layers][k], in the order of the experts. */
  readonly weights: number[][];
}

/** A token has some 200 numbers, of 10 characters each. */
const MOST_TOKENS = 4096;
const POINT = /^model\.layers\.(\d+)\.feed_forward\.gate\.(experts|weights)$/;

/** @throws RequestFailure for a model without experts */
export function checkRouting({ config }: LanguageModel, asked: boolean | null | undefined): void {
  if (asked !== true || config.numExperts > 0) return;
  throw refused("routing", "a model that has experts", "a dense one", "Leave it out.");
}

/**
 * @param answer  new ids; the last of them the model has not read
 * @throws the signal's reason
 */
export async function routingOf(
  model: LanguageModel,
  prompt: readonly number[],
  answer: readonly number[],
  signal: AbortSignal,
): Promise<Routing> {
  const ids = [...prompt, ...answer.slice(0, -1)];
  const first = Math.max(0, ids.length - MOST_TOKENS);
  const tokens = ids.slice(first).map((id): RoutedToken => ({ id, experts: [], weights: [] }));
  const layers = new Set<number>();
  const points = ["model.layers.*.feed_forward.gate.experts", "model.layers.*.feed_forward.gate.weights"];
  // The same bits as when they were first read, in whatever steps that was.
  for await (const { name, position, rows, data } of model.trace(ids, { points, positions: { from: first }, signal })) {
    const [, layer, what] = POINT.exec(name) ?? [];
    layers.add(Number(layer));
    const k = data.length / rows;
    for (let row = 0; row < rows; row++) {
      tokens[position - first + row][what as "experts" | "weights"].push([...data.subarray(row * k, (row + 1) * k)]);
    }
  }
  return { layers: [...layers].sort((a, b) => a - b), first, prompt_tokens: prompt.length, tokens };
}
