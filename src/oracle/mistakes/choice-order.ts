// Which of a token's experts was chosen first: their ids ascend, so the scores have to say.
import type { Ops, Tensor } from "../../ops/ops.ts";
import { type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";

/** Of each choice of all tokens: which of its token's choices it was, 0 for the best. */
export type Rank = readonly number[];

/** Choices in the order of the scores, with their bias, that they were made by: the ids themselves ascend. */
export function ranks(ops: Ops): Pick<Ops, "sigmoid" | "addBias"> & { rank: (experts: ReferenceExpertIds) => Rank } {
  let scores: Tensor | undefined;
  let known: Rank | undefined;
  return {
    sigmoid(x) {
      scores = ops.sigmoid(x);
      return scores;
    },
    addBias(x, bias) {
      scores = ops.addBias(x, bias);
      return scores;
    },
    rank({ ids, k, rows }) {
      known ??= Array.from({ length: rows }, (_, t) => {
        const own = [...ids.subarray(t * k, (t + 1) * k)];
        const row = scores === undefined ? [] : rowOf(scores as ReferenceTensor, t);
        const best = [...own].sort((a, b) => row[b] - row[a] || a - b);
        return own.map((id) => best.indexOf(id));
      }).flat();
      return known;
    },
  };
}
