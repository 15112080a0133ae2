// Logits as a server tells of them: log-probabilities of the ids that it named.
import { logSumExp } from "../eval/softmax-gap.ts";
import type { SeenRow } from "./seen-row.ts";

/** Of a row of logits, what was seen of the other's [ids of `row`]. */
export function asSeen(logits: Float32Array, { ids }: Pick<SeenRow, "ids">): Float32Array {
  const total = logSumExp(logits);
  return Float32Array.from(ids, (id) => logits[id] - total);
}

/** What a server told: "20 of 65536 ids at each of 24 positions, 97 % of the probability". */
export function sightOf(rows: readonly SeenRow[], vocabSize: number): string {
  const told = rows.filter(({ ids }) => ids.length > 0);
  const counts = told.map(({ ids }) => ids.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const share = told.reduce((sum, { logprobs }) => sum + logprobs.reduce((mass, x) => mass + Math.exp(x), 0), 0);
  const percent = Math.min(100, Math.floor((100 * share) / told.length));
  const positions = told.length === 1 ? "one position" : `each of ${told.length} positions`;
  const ids = least === most ? most : `${least} to ${most}`;
  const silent = rows.length - told.length;
  const unnamed = rows.reduce((sum, row) => sum + row.unnamed, 0);
  return [
    `${ids} of ${vocabSize} ids at ${positions}, ${percent} % of the probability`,
    ...(silent === 0 ? [] : [`nothing at ${silent}`]),
    ...(unnamed === 0 ? [] : [`${unnamed} texts that no id is known for`]),
  ].join("; ");
}
