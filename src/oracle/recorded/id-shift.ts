// Input ids that are the same but for the first: a beginning-of-text token too many, or one too few.
import type { RecordedRun } from "./recorded-run.ts";

export interface IdShift {
  readonly cause: "doubled-bos" | "missing-bos";
  /** The side with the mistake, and in words what it is. */
  readonly side: "A" | "B";
  readonly says: string;
}

/** Given: the ids differ. @param bos  the model's beginning-of-text token, where it is known */
export function explainIds(a: RecordedRun, b: RecordedRun, bos: number | undefined): IdShift | undefined {
  if (a.ids === undefined || b.ids === undefined) return undefined;
  if (isShifted(b.ids, a.ids)) return explained(b.ids, a.ids, "B", "A", bos);
  return isShifted(a.ids, b.ids) ? explained(a.ids, b.ids, "A", "B", bos) : undefined;
}

function explained(
  [first]: readonly number[],
  shorter: readonly number[],
  longerSide: "A" | "B",
  shorterSide: "A" | "B",
  bos: number | undefined,
): IdShift {
  const name = first === bos ? `the beginning-of-text token ${first}` : `the first token ${first}`;
  if (first === shorter[0]) return { cause: "doubled-bos", side: longerSide, says: `${name} stands there twice` };
  return { cause: "missing-bos", side: shorterSide, says: `${name} is missing` };
}

/** `longer` without its first id is `shorter`, as far as both go. One id alone proves nothing. */
function isShifted(longer: readonly number[], shorter: readonly number[]): boolean {
  const count = Math.min(longer.length - 1, shorter.length);
  if (count < 2 || shorter.length - count > 1) return false;
  for (let i = 0; i < count; i++) if (longer[i + 1] !== shorter[i]) return false;
  return true;
}
