// Goldens to disk, from Node: a run's selected tensors, and how near to them another run has to be.
import { relative, resolve } from "node:path";
import type { Config } from "../../model/config.ts";
import { checkRecordFolder, writeRecordFolder } from "../trace/record-folder.ts";
import { writeTensorFile } from "../trace/tensor-file.ts";
import { planTrace } from "../trace/trace-plan.ts";
import {
  hashOf,
  MAX_TRACE_BYTES,
  nameIn,
  nodeEngine,
  packageVersion,
  type TracedModel,
  TraceSizeError,
  type WriteTraceOptions,
} from "../trace/write-trace.ts";
import { GOLDEN, type GoldenManifest, type GoldenTolerance } from "./golden-manifest.ts";

export interface WriteGoldenOptions extends WriteTraceOptions {
  /** Of the points that have no other; by default `defaultTolerances`. */
  readonly tolerances?: readonly GoldenTolerance[];
  /** How the golden is made again. */
  readonly again?: string;
  /** Where the model is: a path or URL; nothing for the embedded one. */
  readonly source?: string;
}

const TENSORS = "golden.safetensors";

/** The output of every layer, all of the routers, and the logits. */
export function goldenPoints({ numExperts }: Config): string[] {
  return ["model.embed_tokens", "model.layers.*", ...(numExperts > 0 ? ["**.gate.*"] : []), "lm_head"];
}

/** By how the numbers were made. */
export function defaultTolerances({ mode }: { readonly mode: string }): GoldenTolerance[] {
  const experts = {
    points: "**.gate.experts",
    atol: 0,
    rtol: 0,
    reason: "an expert is chosen or not; where .gate.margin is some 1e-6, look at both before blaming a runtime",
  };
  const numbers =
    mode === "exact"
      ? {
          atol: 4e-5,
          reason:
            "float32: the same sums in another order; transformers itself differs by 1e-5 between one pass and token by token",
        }
      : {
          atol: 0.25,
          reason:
            "activations in 8 bits at every product: runtimes round blocks of other lengths; our own give the same bits",
        };
  return [experts, { points: "**", atol: numbers.atol, rtol: 0, ofLargest: true, reason: numbers.reason }];
}

/**
 * Runs `ids` and writes `golden.json` and `golden.safetensors` into `folder`.
 * @throws what `writeTrace` throws
 */
export async function writeGolden(
  folder: string,
  model: TracedModel,
  ids: readonly number[],
  options: WriteGoldenOptions = {},
): Promise<GoldenManifest> {
  const { points = goldenPoints(model.config), force = false, maxBytes = MAX_TRACE_BYTES, signal } = options;
  const plan = planTrace(model.config, ids.length, { points, positions: options.positions });
  if (plan.bytes > maxBytes) throw new TraceSizeError(plan.bytes, maxBytes);
  await checkRecordFolder(folder, plan.bytes, force);
  const { mode, kvType } = model.settings;
  return writeRecordFolder(folder, GOLDEN, async (partOf) => {
    const hash = await hashOf(model, signal);
    const pieces = model.trace(ids, { points, positions: plan.positions, signal, onProgress: options.onProgress });
    await writeTensorFile(await partOf(TENSORS), plan, pieces, new Map([["format", "lfm2-golden"]]));
    return {
      format: "lfm2-golden",
      version: 1,
      model: { name: options.name ?? nameIn(model), path: pathFrom(folder, options.source), ...hash },
      made: { by: madeBy(model.settings), again: options.again },
      run: { mode: mode as "exact" | "int8", kvType: kvType as "f32" | "f16" | "int8" },
      cases: [{ name: "golden", file: TENSORS, ids, positions: plan.positions }],
      tolerances: [...(options.tolerances ?? defaultTolerances(model.settings))],
    };
  });
}

/** Program, version and settings whose numbers a golden's are. */
export function madeBy({ backend, mode, kvType, kernels }: TracedModel["settings"]): string {
  return `lfm2-wasm ${packageVersion()}, ${backend} ${mode}, KV ${kvType}, ${kernels} kernels, ${nodeEngine()}`;
}

/** So that the golden and its model may move together. */
export function pathFrom(folder: string, source: string | undefined): string | undefined {
  if (source === undefined || /^[a-z]+:/i.test(source)) return source;
  return relative(resolve(folder), resolve(source)) || ".";
}
