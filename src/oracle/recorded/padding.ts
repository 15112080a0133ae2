// What of a recording is padding: what its attention_mask says, or ids that are the model's pad_token_id; nothing else is.
import type { TensorData } from "../../formats/hf/safetensors.ts";
import { isParameter } from "./point-names.ts";
import type { Kept, RecordedRun } from "./recorded-run.ts";
import { rowsFrom } from "./views.ts";

/**
 * Positions that a mask keeps, from the first to the last. 1 and 0, or what is added to attention: 0 where a token is seen.
 * @param mask  of one sequence: [positions]; of [queries, positions] the last query's, which comes after all
 * @returns undefined where it keeps all, or nothing, or is no mask
 */
export function keptByMask(mask: TensorData): Kept | undefined {
  const numbers = Array.from(mask as ArrayLike<number | bigint>, Number);
  const isAdded = numbers.some((value) => value < 0);
  if (!isAdded && numbers.some((value) => value !== 0 && value !== 1)) return undefined;
  const isKept = (value: number): boolean => (isAdded ? value === 0 : value === 1);
  const from = numbers.findIndex(isKept);
  const count = numbers.findLastIndex(isKept) + 1 - from;
  return from < 0 || count === numbers.length ? undefined : { from, count, of: numbers.length };
}

/** How many ids pad a text on its left; all of them are no padding. */
export function paddingBefore(ids: readonly number[], pad: unknown): number {
  return Math.max(
    0,
    ids.findIndex((id) => id !== pad),
  );
}

/** Theirs without what pads its ids to more than ours: pad_token_id, before the text and after it. */
export function withoutPadding(ours: RecordedRun, theirs: RecordedRun, notes: string[]): RecordedRun {
  const pad = ours.about?.config.pad_token_id ?? theirs.about?.config.pad_token_id;
  const { ids } = theirs;
  if (typeof pad !== "number" || ours.ids === undefined || ids === undefined) return theirs;
  const from = placeOf(ours.ids, ids, pad);
  if (from === undefined) return theirs;
  const count = ours.ids.length;
  notes.push(`${ids.length - count} padded positions left out: pad_token_id ${pad}`);
  const points = [...theirs.points].map(
    ([name, point]) =>
      [name, isParameter(name) || point.rows !== ids.length ? point : rowsFrom(point, from, count)] as const,
  );
  return { ...theirs, ids: ours.ids, points: new Map(points) };
}

/** Where the text stands among ids that are `pad` but for it; undefined where nothing pads it, or it is not there. */
function placeOf(text: readonly number[], ids: readonly number[], pad: number): number | undefined {
  if (ids.length <= text.length) return undefined;
  // A text may begin with that id itself.
  const from = padsBefore(ids, pad) - padsBefore(text, pad);
  const end = from + text.length;
  const fits = ids.every((id, i) => id === (i < from || i >= end ? pad : text[i - from]));
  return from >= 0 && end <= ids.length && fits ? from : undefined;
}

function padsBefore(ids: readonly number[], pad: number): number {
  const at = ids.findIndex((id) => id !== pad);
  return at < 0 ? ids.length : at;
}
