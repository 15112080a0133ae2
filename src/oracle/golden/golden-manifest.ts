// `golden.json`: inputs, expected tensors, and how near to them is near enough, with reasons. People may write it by hand.
import { isObject, type JsonObject, jsonLimits, readJson } from "../../formats/json.ts";
import { DAMAGED, refuse, show } from "../../formats/refusal.ts";
import type { Folder } from "../../sources/source.ts";
import type { Tolerance } from "../compare/gap.ts";
import { parseGlob } from "../glob.ts";
import type { Positions } from "../trace/trace-plan.ts";

export const GOLDEN = "golden.json";

export interface GoldenManifest {
  readonly format: "lfm2-golden";
  readonly version: 1;
  readonly model?: GoldenModel;
  readonly made: {
    /** Program and version whose numbers these are. */
    readonly by: string;
    /** The command that makes them again. */
    readonly again?: string;
  };
  /** How `check` runs a model by default. */
  readonly run?: { readonly mode?: "exact" | "int8"; readonly kvType?: "f32" | "f16" | "int8" };
  /** Whose names the tensors have: by default the graph's own, or `hf`, those of transformers. */
  readonly names?: string;
  readonly cases: readonly GoldenCase[];
  /** The first whose glob matches a point's name counts. */
  readonly tolerances: readonly GoldenTolerance[];
}

export interface GoldenModel {
  readonly name: string;
  /** Relative to the directory, or a URL; the embedded model's golden has none. */
  readonly path?: string;
  readonly sha256?: string;
  /** What was hashed: see {@link ModelHash}. */
  readonly sha256Of?: string;
}

export interface GoldenCase {
  readonly name: string;
  /** safetensors: [positions, cols] by name. */
  readonly file: string;
  readonly ids: readonly number[];
  /** What the tensors hold; by default everything. */
  readonly positions: Positions;
  /** Instead of the manifest's. */
  readonly model?: string;
}

export interface GoldenTolerance {
  readonly points: string;
  readonly atol: number;
  readonly rtol: number;
  /** `atol` is times the largest expected number of the tensor, where that is above 1. */
  readonly ofLargest?: boolean;
  readonly reason: string;
}

/** Of the finite numbers the largest, or what was the largest before. */
export function largestOf(numbers: Float32Array | Int32Array, before = 1): number {
  let largest = before;
  for (const value of numbers) if (Math.abs(value) > largest && Number.isFinite(value)) largest = Math.abs(value);
  return largest;
}

/** @param largest  expected number of the tensor */
export function toleranceAt({ atol, rtol, ofLargest }: GoldenTolerance, largest: number): Tolerance {
  return { atol: ofLargest ? atol * largest : atol, rtol };
}

const MAX_CASES = 10_000;
const MAX_IDS = 1 << 20;
const MEND = `Correct ${GOLDEN}.`;

/** @throws FormatError when the directory holds no golden, or one that says what it cannot mean */
export async function readGolden(folder: Folder, signal?: AbortSignal): Promise<GoldenManifest> {
  const source = await folder.open(GOLDEN, signal);
  if (!source) refuse(folder.name, GOLDEN, "no such file", "Name a directory that lfm2 golden make wrote.");
  const json = await readJson(source, jsonLimits.directory, signal).finally(() => source.close());
  return parseGolden(json, `${folder.name}, ${GOLDEN}`);
}

/** @throws FormatError */
export function parseGolden(json: JsonObject, subject: string): GoldenManifest {
  if (json.format !== "lfm2-golden" || json.version !== 1) {
    const found = `${show(json.format)} version ${show(json.version)}`;
    refuse(subject, 'format "lfm2-golden" version 1', found, "Make it again with this version of lfm2 golden make.");
  }
  const list = (key: string): unknown[] => {
    const value = json[key];
    if (Array.isArray(value) && value.length > 0 && value.length <= MAX_CASES) return value;
    refuse(`${subject}, ${key}`, `a list of 1 to ${MAX_CASES}`, show(value), MEND);
  };
  const made = isObject(json.made) ? json.made : {};
  return {
    format: "lfm2-golden",
    version: 1,
    model: json.model === undefined ? undefined : modelOf(json.model, `${subject}, model`),
    made: { by: text(made.by, `${subject}, made.by`), again: optionalText(made.again, `${subject}, made.again`) },
    run: runOf(json.run, `${subject}, run`),
    names: optionalText(json.names, `${subject}, names`),
    cases: list("cases").map((entry, i) => caseOf(entry, `${subject}, cases[${i}]`)),
    tolerances: list("tolerances").map((entry, i) => toleranceOf(entry, `${subject}, tolerances[${i}]`)),
  };
}

function modelOf(value: unknown, subject: string): GoldenModel {
  const { name, path, sha256, sha256Of } = isObject(value) ? value : ({} as JsonObject);
  return {
    name: text(name, `${subject}.name`),
    path: optionalText(path, `${subject}.path`),
    sha256: optionalText(sha256, `${subject}.sha256`),
    sha256Of: optionalText(sha256Of, `${subject}.sha256Of`),
  };
}

function runOf(value: unknown, subject: string): GoldenManifest["run"] {
  if (value === undefined) return undefined;
  const { mode, kvType } = isObject(value) ? value : ({} as JsonObject);
  const one = <T extends string>(found: unknown, key: string, known: readonly T[]): T | undefined => {
    if (found === undefined || known.includes(found as T)) return found as T | undefined;
    refuse(`${subject}.${key}`, known.join(" or "), show(found), MEND);
  };
  return { mode: one(mode, "mode", ["exact", "int8"]), kvType: one(kvType, "kvType", ["f32", "f16", "int8"]) };
}

function caseOf(value: unknown, subject: string): GoldenCase {
  const { name, file, ids, positions, model } = isObject(value) ? value : ({} as JsonObject);
  const isIds = Array.isArray(ids) && ids.length > 0 && ids.length <= MAX_IDS;
  if (!isIds || !ids.every((id) => Number.isSafeInteger(id) && id >= 0)) {
    refuse(`${subject}.ids`, "a list of token ids", show(ids), MEND);
  }
  const { from, to } = positions === undefined ? { from: 0, to: ids.length } : isObject(positions) ? positions : {};
  if (!isCount(from) || !isCount(to) || from >= to || to > ids.length) {
    refuse(`${subject}.positions`, `0 ≤ from < to ≤ ${ids.length}`, show(positions), MEND);
  }
  return {
    name: optionalText(name, `${subject}.name`) ?? text(file, `${subject}.file`).replace(/\.safetensors$/, ""),
    file: text(file, `${subject}.file`),
    ids: ids as number[],
    positions: { from, to },
    model: optionalText(model, `${subject}.model`),
  };
}

function toleranceOf(value: unknown, subject: string): GoldenTolerance {
  const { points, atol, rtol, ofLargest, reason } = isObject(value) ? value : ({} as JsonObject);
  const glob = text(points, `${subject}.points`);
  parseGlob(glob);
  if (!isTolerance(atol) || !isTolerance(rtol)) {
    refuse(`${subject}`, "atol and rtol, numbers from 0", show({ atol, rtol }), MEND);
  }
  if (ofLargest !== undefined && typeof ofLargest !== "boolean") {
    refuse(`${subject}.ofLargest`, "true or false", show(ofLargest), MEND);
  }
  return { points: glob, atol, rtol, ofLargest, reason: text(reason, `${subject}.reason`) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTolerance(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function text(value: unknown, subject: string): string {
  if (typeof value === "string" && value !== "") return value;
  refuse(subject, "a text", show(value), value === undefined ? MEND : DAMAGED);
}

function optionalText(value: unknown, subject: string): string | undefined {
  return value === undefined ? undefined : text(value, subject);
}
