// A directory that lfm2 trace wrote → a run that can be compared.

import { readSafetensors } from "../../formats/hf/safetensors.ts";
import { isObject, type JsonObject, jsonLimits, readJson } from "../../formats/json.ts";
import { DAMAGED, refuse, show, within } from "../../formats/refusal.ts";
import type { ByteSource, Folder } from "../../sources/source.ts";
import { pointOf, safetensorsArray } from "./arrays.ts";
import type { PointKind } from "./point-names.ts";
import type { AboutRun, RecordedPoint, RecordedRun } from "./recorded-run.ts";

const TRACE = "trace.json";
const MAX_FILES = 1000;

/**
 * A directory that `lfm2 trace` wrote.
 * @throws FormatError when trace.json is missing or says what its files do not hold
 */
export async function openTrace(folder: Folder, signal?: AbortSignal): Promise<RecordedRun> {
  const description = await folder.open(TRACE, signal);
  if (!description)
    refuse(
      folder.name,
      TRACE,
      "no such file",
      "Name a directory that lfm2 trace wrote, or a file; a model goes after -m.",
    );
  const trace = await readJson(description, jsonLimits.directory, signal).finally(() => description.close());
  const subject = `${folder.name}, ${TRACE}`;
  if (trace.format !== "lfm2-trace" || trace.version !== 1) {
    const found = `${show(trace.format)} version ${show(trace.version)}`;
    refuse(subject, 'format "lfm2-trace" version 1', found, "Write it again with lfm2 trace.");
  }
  const files = new Map<string, ByteSource>();
  const close = async (): Promise<void> => {
    await Promise.allSettled([...files.values()].map((file) => file.close()));
  };
  try {
    const points = await openPoints(folder, subject, trace, files, signal);
    return {
      name: folder.name,
      points,
      isOrdered: true,
      ids: idsOf(subject, trace.ids),
      start: startOf(subject, trace.positions),
      about: aboutOf(trace),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openPoints(
  folder: Folder,
  subject: string,
  trace: JsonObject,
  files: Map<string, ByteSource>,
  signal?: AbortSignal,
): Promise<Map<string, RecordedPoint>> {
  if (!Array.isArray(trace.points)) refuse(`${subject}, points`, "a list", show(trace.points), DAMAGED);
  const headers = new Map<string, Awaited<ReturnType<typeof readSafetensors>>>();
  const points = new Map<string, RecordedPoint>();
  for (const [i, entry] of trace.points.entries()) {
    const { name, file, tensor, kind } = isObject(entry) ? entry : ({} as JsonObject);
    if (typeof name !== "string" || typeof file !== "string" || typeof tensor !== "string" || !isKind(kind)) {
      refuse(`${subject}, points[${i}]`, "name, file, tensor and kind", show(entry), DAMAGED);
    }
    if (!headers.has(file)) {
      if (files.size >= MAX_FILES) refuse(subject, `at most ${MAX_FILES} files`, "more", DAMAGED);
      const source = await folder.open(file, signal);
      if (!source) refuse(folder.name, `${show(file)}, which ${TRACE} names`, "no such file", "Write the trace again.");
      files.set(file, source);
      headers.set(file, await readSafetensors(source, signal));
    }
    const source = files.get(file) as ByteSource;
    const stored = headers.get(file)?.tensors.get(tensor);
    if (stored === undefined) refuse(within(source.name, tensor), "a tensor of this name", "none", DAMAGED);
    if (points.has(name)) refuse(`${subject}, points[${i}]`, `one point ${show(name)}`, "two", DAMAGED);
    points.set(name, pointOf(source.name, name, safetensorsArray(source, tensor, stored, signal), kind));
  }
  return points;
}

function isKind(value: unknown): value is PointKind {
  return value === "tensor" || value === "logits" || value === "ids";
}

function idsOf(subject: string, ids: unknown): readonly number[] | undefined {
  if (ids === undefined) return undefined;
  if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0)) return ids;
  refuse(`${subject}, ids`, "a list of token ids", show(ids), DAMAGED);
}

function startOf(subject: string, positions: unknown): number {
  if (positions === undefined) return 0;
  const from = isObject(positions) ? positions.from : undefined;
  if (typeof from === "number" && Number.isSafeInteger(from) && from >= 0) return from;
  refuse(`${subject}, positions`, "{ from, to }", show(positions), DAMAGED);
}

function aboutOf({ model, run }: JsonObject): AboutRun {
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const [ofModel, ofRun] = [isObject(model) ? model : {}, isObject(run) ? run : {}];
  const { blockFormats: formats } = ofModel;
  const quantize = text(ofRun.quantize);
  return {
    config: isObject(ofModel.config) ? ofModel.config : {},
    model: text(ofModel.name),
    backend: text(ofRun.backend),
    mode: text(ofRun.mode),
    kvType: text(ofRun.kvType),
    ...(Array.isArray(formats) && { blockFormats: formats.filter((name) => typeof name === "string") }),
    ...(quantize !== undefined && { quantize }),
  };
}
