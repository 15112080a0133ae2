// What is written beside the tensors of a trace: which model, which run, which ids.
import type { Checkpoint } from "../../formats/checkpoint.ts";
import type { Config } from "../../model/config.ts";
import type { ModelHash } from "./model-hash.ts";
import type { Positions, TracePlan, TracePoint } from "./trace-plan.ts";

export interface AboutModel extends Partial<ModelHash> {
  readonly name: string;
  readonly modelType: string;
  /** "GGUF v3". */
  readonly container: string;
  /** Most tensors first. */
  readonly blockFormats: readonly string[];
  /** Keys and values of `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The settings of a run, as an opened model tells them. */
export interface RunSettings {
  readonly backend: string;
  readonly mode: string;
  readonly kvType: string;
  readonly kernels: string;
  readonly threads: number;
  /** Absent unless weights were quantized while they were read. */
  readonly quantize?: string;
}

export interface AboutTracedRun extends RunSettings {
  /** "node 24.21.0". */
  readonly engine: string;
  /** Of this package. */
  readonly version: string;
}

/** `trace.json`. */
export interface TraceManifest {
  readonly format: "lfm2-trace";
  readonly version: 1;
  readonly model: AboutModel;
  readonly run: AboutTracedRun;
  /** All that were run; tensors hold `positions` of them, `to` exclusive. */
  readonly ids: readonly number[];
  readonly positions: Positions;
  /** In execution order. */
  readonly points: readonly (TracePoint & { readonly file: string; readonly tensor: string })[];
}

export function aboutModel(
  name: string,
  { modelType }: Config,
  { container, config, tensors }: Pick<Checkpoint, "container" | "config" | "tensors">,
  hash: ModelHash,
): AboutModel {
  const counts = new Map<string, number>();
  for (const { format } of tensors.values()) counts.set(format, (counts.get(format) ?? 0) + 1);
  const blockFormats = [...counts].sort(([, a], [, b]) => b - a).map(([format]) => format);
  return { name, ...hash, modelType, container, blockFormats, config };
}

export function aboutRun(settings: RunSettings, engine: string, version: string): AboutTracedRun {
  const { backend, mode, kvType, kernels, threads, quantize } = settings;
  return { backend, mode, kvType, kernels, threads, ...(quantize === undefined ? {} : { quantize }), engine, version };
}

export function traceManifest(
  model: AboutModel,
  run: AboutTracedRun,
  ids: readonly number[],
  { positions, points }: TracePlan,
  file: string,
): TraceManifest {
  return {
    format: "lfm2-trace",
    version: 1,
    model,
    run,
    ids,
    positions,
    points: points.map((point) => ({ ...point, file, tensor: point.name })),
  };
}
