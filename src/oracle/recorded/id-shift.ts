// Input ids that are the same but for the first ones: beginning-of-text tokens too many, or too few.
import { EMBEDDING } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

export interface IdShift {
  readonly cause: "doubled-bos" | "missing-bos" | "shifted-ids";
  /** The side with the mistake, and in words what it is. */
  readonly side: "A" | "B";
  readonly says: string;
  /** How many first ids one side has more. */
  readonly by: number;
}

/** More tokens before a text than a mistake puts there. */
const MOST = 16;

/** Given: the ids differ. @param bos  the model's beginning-of-text token, where it is known */
export function explainIds(a: RecordedRun, b: RecordedRun, bos: number | undefined): IdShift | undefined {
  if (a.ids === undefined || b.ids === undefined) return undefined;
  const [inB, inA] = [shiftOf(b.ids, a.ids), shiftOf(a.ids, b.ids)];
  if (inB > 0 && (inA === 0 || inB <= inA)) return explained(b.ids, a.ids, inB, "B", "A", bos);
  return inA > 0 ? explained(a.ids, b.ids, inA, "A", "B", bos) : undefined;
}

function explained(
  longer: readonly number[],
  shorter: readonly number[],
  by: number,
  longerSide: "A" | "B",
  shorterSide: "A" | "B",
  bos: number | undefined,
): IdShift {
  const [first] = longer;
  if (by > 1 && longer.slice(0, by).some((id) => id !== first)) {
    const says = `${by} tokens stand before the text that the other side does not have`;
    return { cause: "shifted-ids", side: longerSide, says, by };
  }
  const name = first === bos ? `the beginning-of-text token ${first}` : `the first token ${first}`;
  if (first === shorter[0]) {
    const times = by === 1 ? "twice" : `${by + 1} times`;
    return { cause: "doubled-bos", side: longerSide, says: `${name} stands there ${times}`, by };
  }
  return { cause: "missing-bos", side: shorterSide, says: `${name} is missing${by === 1 ? "" : `, ${by} times`}`, by };
}

/** Of how many first ids `longer` has to be rid to be `shorter`, as far as both go; 0 where none do. Few ids prove nothing. */
function shiftOf(longer: readonly number[], shorter: readonly number[]): number {
  for (let by = 1; by <= Math.min(MOST, longer.length - 2); by++) {
    const count = Math.min(longer.length - by, shorter.length);
    // What the other side has beyond that was cut off at the end, where both are as long.
    if (count < 2 || shorter.length - count > by) continue;
    let at = 0;
    while (at < count && longer[at + by] === shorter[at]) at++;
    if (at === count) return by;
  }
  return 0;
}

/** A row of a table, whatever it was stored in. */
const SAME = 0.02;

/** The row of an id in the model's table of embeddings; undefined where that is not at hand. */
export type EmbeddingOf = (id: number) => Promise<Float32Array | undefined>;

/** What programs put around a text. */
const SPECIAL = ["bos_token_id", "eos_token_id", "pad_token_id"];

/**
 * The ids that were run, by the rows of the embedding, where ours has each of these, or they are those of special tokens: a
 * server may put tokens before a text that its recording does not list.
 * @returns the recorded ids where the embeddings tell nothing else
 */
export async function idsOfEmbeddings(
  ours: RecordedRun,
  theirs: RecordedRun,
  notes: string[],
  embeddingOf?: EmbeddingOf,
): Promise<readonly number[] | undefined> {
  const [own, other, { ids }] = [ours.points.get(EMBEDDING), theirs.points.get(EMBEDDING), ours];
  const isKnown = theirs.about !== undefined || own === undefined || other === undefined || ids === undefined;
  if (isKnown || own.rows !== ids.length || own.cols !== other.cols || other.rows > own.rows + MOST) return theirs.ids;
  const known = [...(await specialRows(ours, embeddingOf)), ...(await rowsOfIds(own, ids))];
  const stated = theirs.ids;
  const ran = await idsByNumbers(known, other, stated);
  if (ran === undefined) return stated;
  if (stated !== undefined && (stated.length !== ran.length || stated.some((id, i) => id !== ran[i]))) {
    notes.push(`its rows of ${EMBEDDING} are those of other ids than it states`);
  }
  return ran;
}

type KnownRow = readonly [id: number, numbers: ArrayLike<number>];

async function rowsOfIds({ read, rows, cols }: RecordedPoint, ids: readonly number[]): Promise<KnownRow[]> {
  const table = await read(0, rows);
  return ids.map((id, row) => [id, table.subarray(row * cols, (row + 1) * cols)]);
}

async function specialRows({ about }: RecordedRun, embeddingOf?: EmbeddingOf): Promise<KnownRow[]> {
  const found: KnownRow[] = [];
  for (const key of SPECIAL) {
    const id = about?.config[key];
    const numbers = typeof id === "number" ? await embeddingOf?.(id) : undefined;
    if (numbers !== undefined) found.push([id as number, numbers]);
  }
  return found;
}

/**
 * For each row of `other` a known one with its numbers, undefined where some row has none. Tokens that no training has met
 * may have the same: then it is the stated one, or the next of the text, or a special one.
 */
async function idsByNumbers(
  known: readonly KnownRow[],
  other: RecordedPoint,
  stated: readonly number[] = [],
): Promise<number[] | undefined> {
  const { cols } = other;
  const rows = await other.read(0, other.rows);
  const placeOf = new Map(known.map(([id], i) => [id, i]));
  const found: number[] = [];
  for (let row = 0; row < other.rows; row++) {
    const wanted = rows.subarray(row * cols, (row + 1) * cols);
    const isSame = (i: number): boolean => i in known && isRow(known[i][1], wanted);
    const at = [placeOf.get(stated[row]) ?? -1, (found.at(-1) ?? -1) + 1, ...known.keys()].find(isSame);
    if (at === undefined) return undefined;
    found.push(at);
  }
  return found.map((i) => known[i][0]);
}

function isRow(known: ArrayLike<number>, wanted: ArrayLike<number>): boolean {
  let [apart, size] = [0, 0];
  for (let i = 0; i < known.length; i++) {
    apart += (known[i] - wanted[i]) ** 2;
    size += known[i] ** 2;
  }
  return apart <= SAME * SAME * size;
}
