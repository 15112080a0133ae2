// What is compared, and what is measured of each: every combination of the lists.

import { pagesFor } from "../../engine/sequence.ts";
import type { ModelOptions } from "../../load/model-options.ts";
import type { Settings } from "../../load/settings.ts";
import { PAGE } from "../../ops/ops.ts";
import { formatInteger } from "../../quantities.ts";

/** What a setting leaves open is the library's default. */
export type Setting = Pick<ModelOptions, "mode" | "kernels" | "threads" | "kvType">;

/** A setting with every default filled in. */
export type FullSetting = Pick<Settings, keyof Setting | "computing">;

/** Prefill of `tokens` at once, or decode of `tokens` one after the other, behind `depth` positions. */
export interface Test {
  readonly kind: "prefill" | "decode";
  readonly tokens: number;
  readonly depth: number;
  /**
   * Decode alone: ids are run before they are known, guessed ones, each of which is right with this probability, or such
   * as a format leaves no choice of.
   */
  readonly right?: Right;
}

export type Right = number | "forced";

/** What a test gives. */
export interface Speed {
  readonly tokensPerSecond: number;
  /** With ids that are run ahead: how many times as fast as the same ids one by one, which take turns with them. */
  readonly ofPlain?: number;
}

export type Lists<T> = { readonly [K in keyof T]?: readonly T[K][] };

/** Every combination; an empty or missing list leaves its key open. The first key changes slowest. */
export function settingsOf({ mode, kernels, threads, kvType }: Lists<Setting>): Setting[] {
  const either = <T>(list: readonly T[] | undefined): readonly (T | undefined)[] => (list?.length ? list : [undefined]);
  return either(mode).flatMap((m) =>
    either(kernels).flatMap((k) =>
      either(threads).flatMap((t) => either(kvType).map((kv) => ({ mode: m, kernels: k, threads: t, kvType: kv }))),
    ),
  );
}

export interface TestPlan {
  /** By depth, so that a context is filled once, further and further. */
  readonly tests: readonly Test[];
  /** Positions to reserve. */
  readonly contextLength: number;
  /** What does not fit into the model's context. */
  readonly skipped: readonly Test[];
}

/** @param limit  positions that the model knows */
export function planTests(
  lists: {
    readonly prefill: readonly number[];
    readonly decode: readonly number[];
    readonly depths: readonly number[];
    readonly acceptance: readonly Right[];
  },
  limit: number,
): TestPlan {
  const depths = [...lists.depths].sort((a, b) => a - b);
  const all = depths.flatMap((depth) => [
    ...lists.prefill.map((tokens): Test => ({ kind: "prefill", tokens, depth })),
    ...lists.decode.map((tokens): Test => ({ kind: "decode", tokens, depth })),
  ]);
  const ahead = lists.decode.flatMap((tokens) =>
    lists.acceptance.map((right): Test => ({ kind: "decode", tokens, depth: 0, right })),
  );
  const wanted = [...ahead, ...all].filter(({ tokens }) => tokens > 0);
  const tests = wanted.filter((test) => positionsOf(test) <= limit);
  return {
    tests,
    contextLength: Math.max(1, ...tests.map(positionsOf)),
    skipped: wanted.filter((test) => positionsOf(test) > limit),
  };
}

/**
 * Positions in use when the test ends. Decode is preceded by one token, from which it goes on; where ids are run ahead, two
 * sequences share the room of one context, each with pages of its own.
 */
export function positionsOf({ kind, tokens, depth, right }: Test): number {
  const own = depth + tokens + (kind === "decode" ? 1 : 0);
  return right === undefined ? own : 2 * pagesFor(own) * PAGE;
}

/** "prefill 512", "decode 128 at 4,096", "decode 128, guesses right 0.9". */
export function nameOf({ kind, tokens, depth, right }: Test): string {
  const guesses = right === undefined ? "" : right === "forced" ? ", forced" : `, guesses right ${right}`;
  return `${kind} ${tokens}${depth === 0 ? "" : ` at ${formatInteger(depth)}`}${guesses}`;
}

/** Of a setting's threads, those that compute in a test. */
export function computingIn({ threads, computing }: FullSetting, { kind }: Pick<Test, "kind">): number {
  if (computing === undefined) return threads;
  return kind === "decode" ? computing.decode : computing.prompt;
}

/** "int8, relaxed, 2 threads, KV f16". */
export function labelOf({ mode, kernels, threads, kvType }: Setting): string {
  const count = threads === undefined ? undefined : `${threads} ${threads === 1 ? "thread" : "threads"}`;
  return [mode, kernels, count, kvType && `KV ${kvType}`].filter(Boolean).join(", ") || "defaults";
}
