// A trace directory, a safetensors file or a .npz → a run that can be compared.

import { readSafetensors } from "../../formats/hf/safetensors.ts";
import { isObject, type JsonObject, jsonLimits, readJson } from "../../formats/json.ts";
import { DAMAGED, refuse, show, within } from "../../formats/refusal.ts";
import type { ByteSource, Folder } from "../../sources/source.ts";
import { integers, pointOf, readArrays, type StoredArray, safetensorsArray } from "./arrays.ts";
import { createNameMap, IDS, IGNORED, type NamePatterns, readyMaps } from "./name-map.ts";
import { inExecutionOrder, type PointKind } from "./point-names.ts";
import type { AboutRun, RecordedPoint, RecordedRun, StoredFloat } from "./recorded-run.ts";

const TRACE = "trace.json";
const MAX_FILES = 1000;
const MAX_POSITIONS = 1 << 24;

/**
 * The points of a file under the names that `patterns` gives them.
 * @throws FormatError when the file is no safetensors or .npz, or damaged
 */
export async function openArrays(
  source: ByteSource,
  patterns: NamePatterns = readyMaps.hf,
  signal?: AbortSignal,
): Promise<RecordedRun> {
  const arrays = await readArrays(source, signal);
  const map = createNameMap(
    patterns,
    arrays.map(({ name }) => name),
  );
  const found = new Map<string, StoredArray>();
  for (const array of arrays) {
    const name = map(array.name);
    // Where a module and the one inside it that gives its result were both recorded, our own name counts.
    if (name !== IGNORED && (!found.has(name) || array.name === name)) found.set(name, array);
  }
  const givenIds = found.get(IDS);
  const ids = givenIds && (await readIds(source.name, givenIds));
  found.delete(IDS);
  const points = new Map([...found].map(([name, array]) => [name, pointOf(source.name, name, array)]));
  const ordered = inExecutionOrder(points.keys()).map((name) => [name, points.get(name) as RecordedPoint] as const);
  return {
    name: source.name,
    points: new Map(ordered),
    isOrdered: false,
    ids,
    start: 0,
    about: undefined,
    stored: coarsest([...found.values()]),
    close: () => source.close(),
  };
}

/** bfloat16 has fewer digits than float16. */
function coarsest(arrays: readonly StoredArray[]): StoredFloat | undefined {
  const all = arrays.map(({ stored }) => stored);
  return all.includes("bf16") ? "bf16" : all.find((one) => one !== undefined);
}

async function readIds(file: string, array: StoredArray): Promise<readonly number[]> {
  const count = array.shape.reduce((product, axis) => product * axis, 1);
  if (count > MAX_POSITIONS) refuse(within(file, array.name), `at most ${MAX_POSITIONS} ids`, `${count}`, DAMAGED);
  return Array.from(integers(file, array.name, await array.read(0, count)));
}

/**
 * A directory that `lfm2 trace` wrote.
 * @throws FormatError when trace.json is missing or says what its files do not hold
 */
export async function openTrace(folder: Folder, signal?: AbortSignal): Promise<RecordedRun> {
  const description = await folder.open(TRACE, signal);
  if (!description) refuse(folder.name, TRACE, "no such file", "Name a directory that lfm2 trace wrote, or a file.");
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
