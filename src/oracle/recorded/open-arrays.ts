// A file of arrays → a run that can be compared: names mapped, ids read, the first sequence of a batch taken, padding left out.

import type { TensorData } from "../../formats/hf/safetensors.ts";
import { DAMAGED, refuse, within } from "../../formats/refusal.ts";
import type { ByteSource } from "../../sources/source.ts";
import { integers, pointOf, readArrays, type StoredArray } from "./arrays.ts";
import { createNameMap, IDS, IGNORED, MASK, type NamePatterns, readyMaps } from "./name-map.ts";
import { keptByMask } from "./padding.ts";
import { FINAL_NORM, HEAD, inExecutionOrder, isGraphPoint } from "./point-names.ts";
import type { RecordedPoint, RecordedRun, StoredFloat } from "./recorded-run.ts";
import { rowsFrom } from "./views.ts";

const MAX_POSITIONS = 1 << 24;
/** What a model gives in the end, in transformers' words. */
const FINAL_LOGITS = "logits";

/**
 * The points of a file under the names that `patterns` gives them.
 * @param tokens  a file of the ids, int32, as llama-debug writes it beside its logits
 * @throws FormatError when the file is no safetensors, .npz, .npy or raw .bin, or damaged
 */
export async function openArrays(
  source: ByteSource,
  patterns: NamePatterns = readyMaps.hf,
  signal?: AbortSignal,
  tokens?: Uint8Array<ArrayBuffer>,
): Promise<RecordedRun> {
  const arrays = await readArrays(source, signal);
  const found = named(arrays, patterns);
  const notes: string[] = [];
  const givenIds = found.get(IDS);
  const sequences = givenIds && (await readIds(source.name, givenIds));
  const all = sequences?.rows[0] ?? (tokens && readTokens(source.name, tokens));
  const batch = sequences?.rows.length ?? 1;
  if (batch > 1) notes.push(`of a batch of ${batch}, the first sequence`);
  const mask = found.get(MASK);
  const kept = mask && all && keptByMask(await readMask(mask, batch, all.length));
  if (kept !== undefined) {
    notes.push(`${kept.of - kept.count} padded positions left out, as its attention_mask says`);
  }
  found.delete(IDS);
  found.delete(MASK);
  const points = inExecutionOrder(found.keys()).map((name): [string, RecordedPoint] => {
    const array = firstOfBatch(found.get(name) as StoredArray, batch, all?.length);
    const point = pointOf(source.name, name, array);
    return [name, kept !== undefined && point.rows === kept.of ? rowsFrom(point, kept.from, kept.count) : point];
  });
  return {
    name: source.name,
    points: new Map(points),
    isOrdered: false,
    ids: kept === undefined ? all : all?.slice(kept.from, kept.from + kept.count),
    start: 0,
    ...(kept !== undefined && { kept }),
    about: undefined,
    notes,
    stored: coarsest([...found.values()]),
    close: () => source.close(),
  };
}

/** By our names. */
function named(arrays: readonly StoredArray[], patterns: NamePatterns): Map<string, StoredArray> {
  const map = createNameMap(
    patterns,
    arrays.map(({ name }) => name),
  );
  const found = new Map<string, StoredArray>();
  for (const array of arrays) {
    const name = map(array.name);
    if (name === IGNORED) continue;
    const other = found.get(name);
    if (other === undefined || counts(array, other, name)) found.set(name, array);
  }
  const [lone] = found;
  if (arrays.length !== 1 || lone === undefined || !arrays[0].isUnnamed || isGraphPoint(lone[0])) return found;
  // A file of one array has the name that somebody gave the file; most hold logits.
  return new Map([[/-embeddings$/.test(lone[0]) ? FINAL_NORM : HEAD, lone[1]]]);
}

/**
 * Of two arrays for one point: what a module gives, under our own name, before what the module inside it gives; but the
 * model's logits before those of its head, for something may come after that.
 */
function counts(array: StoredArray, other: StoredArray, name: string): boolean {
  const final = [array, other].find((one) => one.name === FINAL_LOGITS);
  if (name === HEAD && final !== undefined && sizeOf(array) === sizeOf(other)) return array === final;
  return array.name === name;
}

const sizeOf = ({ shape }: StoredArray): number => shape.reduce((product, axis) => product * axis, 1);

/** [batch, positions] or [positions]. */
async function readIds(file: string, array: StoredArray): Promise<{ readonly rows: readonly (readonly number[])[] }> {
  const count = sizeOf(array);
  if (count === 0 || count > MAX_POSITIONS) {
    refuse(within(file, array.name), `1 to ${MAX_POSITIONS} ids`, `${count}`, DAMAGED);
  }
  const ids = Array.from(integers(file, array.name, await array.read(0, count)));
  const batch = array.shape.length > 1 ? array.shape[0] : 1;
  const length = ids.length / batch;
  return { rows: Array.from({ length: batch }, (_, i) => ids.slice(i * length, (i + 1) * length)) };
}

function readTokens(file: string, { buffer, byteLength }: Uint8Array<ArrayBuffer>): readonly number[] {
  if (byteLength % 4 === 0) return Array.from(integers(file, "token ids", new Int32Array(buffer)));
  refuse(within(file, "token ids"), "4 bytes each", `${byteLength} bytes`, DAMAGED);
}

/** Of the first sequence its last row: [batch, positions] has one, [batch, 1, queries, positions] one for each query. */
async function readMask(mask: StoredArray, batch: number, positions: number): Promise<TensorData> {
  const ofSequence = sizeOf(mask) / batch;
  const isMask = mask.shape.at(-1) === positions && Number.isInteger(ofSequence / positions);
  return isMask ? mask.read(ofSequence - positions, positions) : new Float32Array();
}

/** Of [batch, …], of a last row for each sequence, and of [batch · positions, columns], as routers have them. */
function firstOfBatch(array: StoredArray, batch: number, positions = 0): StoredArray {
  const { shape } = array;
  if (batch === 1 || shape.length < 2) return array;
  if (shape[0] === batch && shape.length > 2) return { ...array, shape: shape.slice(1) };
  if (shape.length > 2) return array;
  if (shape[0] === batch) return { ...array, shape: [1, shape[1]] };
  return shape[0] === batch * positions ? { ...array, shape: [positions, shape[1]] } : array;
}

/** bfloat16 has fewer digits than float16. */
function coarsest(arrays: readonly StoredArray[]): StoredFloat | undefined {
  const all = arrays.map(({ stored }) => stored);
  return all.includes("bf16") ? "bf16" : all.find((one) => one !== undefined);
}
