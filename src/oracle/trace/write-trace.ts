// Traces to disk, from Node.

import { readFileSync } from "node:fs";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import type { Config } from "../../model/config.ts";
import { type ChecksOf, checkOptions } from "../../options/check-options.ts";
import { abortSignal, aFunction, anything, patterns } from "../../options/checks.ts";
import { openFile } from "../../sources/disk.ts";
import { openSources } from "../../sources/open-source.ts";
import { hashModel, type ModelHash } from "./model-hash.ts";
import { checkRecordFolder, writeRecordFolder } from "./record-folder.ts";
import { writeTensorFile } from "./tensor-file.ts";
import { aboutModel, aboutRun, type RunSettings, type TraceManifest, traceManifest } from "./trace-manifest.ts";
import type { TracePiece } from "./trace-pieces.ts";
import { planTrace, type TraceChoice } from "./trace-plan.ts";

export type OnProgress = (progress: {
  readonly phase: "prefill";
  readonly done: number;
  readonly total: number;
}) => void;

/** An opened model, as far as traces need one. */
export interface TracedModel {
  readonly config: Config;
  readonly checkpoint: Pick<Checkpoint, "container" | "config" | "files" | "metadata" | "tensors">;
  readonly settings: RunSettings;
  trace(
    ids: readonly number[],
    options?: TraceChoice & {
      readonly signal?: AbortSignal;
      readonly onProgress?: OnProgress;
    },
  ): AsyncGenerator<TracePiece, void>;
}

export interface WriteTraceOptions extends Omit<TraceChoice, "edits"> {
  /** What the manifest calls the model; by default what its files say. */
  readonly name?: string;
  /** Replaces a trace or golden that is there. */
  readonly force?: boolean;
  /** Refuses to write more; 4 GB by default. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

const CHECKS: ChecksOf<WriteTraceOptions> = {
  signal: abortSignal,
  onProgress: aFunction,
  points: patterns,
  positions: anything,
  force: anything,
  maxBytes: anything,
  name: anything,
};

/** A trace would be larger than was allowed. */
export class TraceSizeError extends Lfm2Error {
  override readonly name = "TraceSizeError";

  constructor(bytes: number, maxBytes: number) {
    super({
      subject: "trace",
      expected: `at most ${maxBytes} bytes`,
      found: `${bytes} to be written`,
      remedy: "Choose fewer points or positions, or allow more with maxBytes.",
      options: ["maxBytes"],
    });
  }
}

export const MAX_TRACE_BYTES = 4_000_000_000;
const TENSORS = "trace.safetensors";

/**
 * Runs `ids` and writes every tensor at the chosen points into `folder`: `trace.json` and `trace.safetensors`.
 * @throws GlobError, PositionsError, PromptError; TraceSizeError and RecordFolderError before anything is computed
 */
export async function writeTrace(
  folder: string,
  model: TracedModel,
  ids: readonly number[],
  options: WriteTraceOptions = {},
): Promise<TraceManifest> {
  checkOptions("writeTrace", CHECKS, options);
  const { points, positions, force = false, maxBytes = MAX_TRACE_BYTES, signal, onProgress } = options;
  const plan = planTrace(model.config, ids.length, { points, positions });
  if (plan.bytes > maxBytes) throw new TraceSizeError(plan.bytes, maxBytes);
  await checkRecordFolder(folder, plan.bytes, force);
  return writeRecordFolder(folder, "trace.json", async (partOf) => {
    const hash = await hashOf(model, signal);
    const about = aboutModel(options.name ?? nameIn(model), model.config, model.checkpoint, hash);
    const pieces = model.trace(ids, { points, positions, signal, onProgress });
    await writeTensorFile(await partOf(TENSORS), plan, pieces, new Map([["format", "lfm2-trace"]]));
    return traceManifest(about, aboutRun(model.settings, nodeEngine(), packageVersion()), ids, plan, TENSORS);
  });
}

/** Of the files a model was opened from. */
export async function hashOf(
  { checkpoint }: Pick<TracedModel, "checkpoint">,
  signal?: AbortSignal,
): Promise<ModelHash> {
  const descriptors = checkpoint.files.map(({ descriptor }) => descriptor);
  const files = await openSources(descriptors, openFile, signal);
  try {
    return await hashModel(files, signal);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

export function nameIn({ checkpoint }: Pick<TracedModel, "checkpoint">): string {
  const stated = checkpoint.metadata.get("general.name");
  if (typeof stated === "string" && stated !== "") return stated;
  return checkpoint.files[0]?.name.split(/[/\\]/).at(-1) ?? "model";
}

export function nodeEngine(): string {
  return `node ${process.versions.node}`;
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version;
}
