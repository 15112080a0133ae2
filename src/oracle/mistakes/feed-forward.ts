// The feed-forward, dense or sparse: another activation, gate and up exchanged, weights used otherwise, experts mixed up.
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { sigmoidOf } from "../../reference/elementwise.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyIds, lazyTensor } from "../diagnose/lazy-ops.ts";
import { type Rank, ranks } from "./choice-order.ts";
import { byRow, combined, ones } from "./columns.ts";
import { inParts, type Mistake, type Scene } from "./mistake.ts";

const { bug } = inParts("feed-forward");

function gated(cause: string, says: string, of: (gate: number, up: number) => number): Mistake {
  return bug(cause, says, () => ({ swiglu: (gate, up) => combined(gate, up, of) }));
}

const clamp = (x: number, least: number, most: number): number => Math.min(most, Math.max(least, x));
const tanhGelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** x · Φ(x); the error function by Abramowitz and Stegun 7.1.26, to 1.5e-7. */
function gelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = Math.sign(x) * (1 - series * Math.exp(-z * z));
  return 0.5 * x * (1 + erf);
}

/** gate and up beside each other, then every second column of the two for one and the rest for the other. */
function interleaved(ops: Ops): Partial<Ops> {
  const column = (gate: Tensor, up: Tensor, first: number) =>
    byRow(gate, (row, t) => {
      const both = [...row, ...rowOf(up as ReferenceTensor, t)];
      return row.map((_, c) => both[2 * c + first]);
    });
  return { swiglu: (gate, up) => ops.swiglu(column(gate, up, 0), column(gate, up, 1)) };
}

/** x[t] · weights[t, j], one row to each choice [T·k, cols]. */
function weighted(x: Tensor, weights: Tensor): Tensor {
  const { rows, cols: k } = weights;
  return lazyTensor(rows * k, x.cols, () => {
    const y = createTensor(rows * k, x.cols);
    const isPerChoice = x.rows === rows * k;
    for (let i = 0; i < rows * k; i++) {
      const weight = rowOf(weights as ReferenceTensor, Math.floor(i / k))[i % k];
      const from = rowOf(x as ReferenceTensor, isPerChoice ? i : Math.floor(i / k));
      rowOf(y, i).set(from.map((value) => value * weight));
    }
    return y;
  });
}

/** The weights, as the router's last operation gives them. */
function withWeights(change: (ops: Ops, weights: () => Tensor) => Partial<Ops>) {
  return (ops: Ops): Partial<Ops> => {
    let weights: Tensor;
    const keep = (x: Tensor): Tensor => {
      weights = x;
      return x;
    };
    return {
      gather: (x, ids) => keep(ops.gather(x, ids)),
      normalize: (x, eps) => keep(ops.normalize(x, eps)),
      scale: (x, factor) => keep(ops.scale(x, factor)),
      ...change(ops, () => weights),
    };
  };
}

function summed(cause: string, says: string, of: (ops: Ops, weights: Tensor) => Tensor): Mistake {
  return bug(cause, says, (ops) => ({ weightedSum: (x, weights) => ops.weightedSum(x, of(ops, weights)) }));
}

/** Weights of choices that are not counted are zero. */
function counted(
  cause: string,
  says: string,
  isCounted: (experts: ReferenceExpertIds, choice: number, rank: Rank) => boolean,
): Mistake {
  return bug(cause, says, (ops) => {
    let experts: ExpertIds;
    const { rank, ...kept } = ranks(ops);
    return {
      ...kept,
      expertLinear(x, w, ids) {
        experts = ids;
        return ops.expertLinear(x, w, ids);
      },
      weightedSum: (x, weights) =>
        ops.weightedSum(
          x,
          byRow(weights, (row, t) =>
            row.map((value, j) => {
              const ids = experts as ReferenceExpertIds;
              return isCounted(ids, t * ids.k + j, rank(ids)) ? value : 0;
            }),
          ),
        ),
    };
  });
}

/** Experts' matrices taken for others'. */
function renumbered(
  cause: string,
  says: Mistake["says"],
  expert: (id: number, w: Weight, scene: Scene) => number,
): Mistake {
  return bug(cause, says, (ops, _, scene) => ({
    expertLinear: (x, w, given) => {
      const ids = () => (given as ReferenceExpertIds).ids.map((id) => expert(id, w, scene));
      return ops.expertLinear(
        x,
        w,
        lazyIds(given.rows, given.k, () => ({ ...given, ids: ids() })),
      );
    },
  }));
}

const experts = (of: readonly number[]): string =>
  of.length === 0 ? "the experts of the tokens that differ" : `expert${of.length > 1 ? "s" : ""} ${of.join(" and ")}`;
const atMost = (most: number): string => `${most} ${most === 1 ? "token" : "tokens"} at most`;

export const feedForwardMistakes: readonly Mistake[] = [
  bug("swapped-w1-w3", "w1 and w3 exchanged", (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) })),
  bug("missing-activation", "no silu", (ops) => ({ swiglu: (gate, up) => ops.mul(gate, up) })),
  gated("gelu", "gelu instead of silu", (gate, up) => gelu(gate) * up),
  gated("gelu", "gelu by way of tanh instead of silu", (gate, up) => tanhGelu(gate) * up),
  gated("quick-gelu", "x · sigmoid(1.702 x) instead of silu", (gate, up) => gate * sigmoidOf(1.702 * gate) * up),
  gated(
    "hard-silu",
    "hardswish, x · relu6(x + 3) / 6, instead of silu",
    (gate, up) => ((gate * clamp(gate + 3, 0, 6)) / 6) * up,
  ),
  gated("relu", "relu instead of silu", (gate, up) => Math.max(0, gate) * up),
  gated("sigmoid-gate", "sigmoid instead of silu", (gate, up) => sigmoidOf(gate) * up),
  gated("silu-of-product", "silu of the product", (gate, up) => gate * up * sigmoidOf(gate * up)),
  gated("missing-up", "silu of w1's result alone", (gate) => gate * sigmoidOf(gate)),
  ...[1, 2, 5, 7, 10].flatMap((most) => [
    gated("clamped-swiglu", `w1's and w3's results clamped to ${most}`, (gate, up) => {
      const least = Math.min(gate, most);
      return least * sigmoidOf(least) * clamp(up, -most, most);
    }),
    gated("oai-swiglu", `the gated unit of gpt-oss, clamped to ${most}`, (gate, up) => {
      const least = Math.min(gate, most);
      return least * sigmoidOf(1.702 * least) * (clamp(up, -most, most) + 1);
    }),
  ]),
  bug("interleaved-gate-up", "gate and up taken from alternate rows of both instead of one half each", interleaved),
  summed("unweighted-experts", "every chosen expert counted once", (_, weights) => ones(weights)),
  summed("experts-averaged", "the mean of the chosen experts", (ops, weights) =>
    ops.scale(ones(weights), 1 / weights.cols),
  ),
  summed("weights-squared", "the weights squared", (ops, weights) => ops.mul(weights, weights)),
  bug(
    "weights-on-input",
    "the weights on what the experts are given instead of what they give",
    withWeights((ops, weights) => ({
      expertLinear: (x, w, ids) => ops.expertLinear(w.path.endsWith(".w2") ? x : weighted(x, weights()), w, ids),
      weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
    })),
  ),
  bug(
    "weights-on-gate",
    "the weights within silu instead of on what the experts give",
    withWeights((ops, weights) => ({
      expertLinear(x, w, ids) {
        const y = ops.expertLinear(x, w, ids);
        return w.path.endsWith(".w1") ? weighted(y, weights()) : y;
      },
      weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
    })),
  ),
  ...[1, 2, 3, 4, 5, 6, 8, 12, 16].map((most) =>
    counted("expert-capacity", `${atMost(most)} to an expert, in their order`, ({ ids }, choice) => {
      let before = 0;
      for (let i = 0; i < choice; i++) before += Number(ids[i] === ids[choice]);
      return before < most;
    }),
  ),
  ...[1, 2, 3, 4, 5, 6, 8, 12, 16].map((most) =>
    counted("expert-capacity", `${atMost(most)} to an expert, first choices first`, ({ ids }, choice, rank) => {
      let before = 0;
      for (const [i, id] of ids.entries()) {
        before += Number(id === ids[choice] && (rank[i] < rank[choice] || (rank[i] === rank[choice] && i < choice)));
      }
      return before < most;
    }),
  ),
  counted("one-expert-counted", "a token's first choice alone", (_, choice, rank) => rank[choice] === 0),
  summed("one-expert-counted", "the one of a token's experts that counts most alone", (_, weights) =>
    byRow(weights, (row) => row.map((value) => (value === Math.max(...row) ? value : 0))),
  ),
  renumbered("swapped-experts", "every expert taken for the next", (id, w) => (id + 1) % w.experts),
  renumbered("swapped-experts", "every expert taken for the one before", (id, w) => (id + w.experts - 1) % w.experts),
  renumbered(
    "swapped-experts",
    (_, of) => `${experts(of)} exchanged`,
    (id, _, { experts }) => (experts.length === 2 && experts.includes(id) ? experts[1 - experts.indexOf(id)] : id),
  ),
  bug(
    "zeroed-expert",
    (_, of) => `${experts(of)} giving nothing`,
    (ops, _, scene) => ({
      expertLinear: (x, w, given) =>
        byRow(ops.expertLinear(x, w, given), (row, i) =>
          scene.experts.includes((given as ReferenceExpertIds).ids[i]) ? row.map(() => 0) : row,
        ),
    }),
  ),
  bug(
    "swapped-w1-w3",
    (_, of) => `w1 and w3 exchanged in ${experts(of)}`,
    (ops, _, { experts }) => {
      let ids: ExpertIds | undefined;
      return {
        expertLinear(x, w, given) {
          ids = given;
          return ops.expertLinear(x, w, given);
        },
        swiglu(gate, up) {
          if (ids === undefined || experts.length === 0) return ops.swiglu(gate, up);
          const pick = (own: Tensor, other: Tensor): Tensor =>
            byRow(own, (row, i) =>
              experts.includes((ids as ReferenceExpertIds).ids[i]) ? rowOf(other as ReferenceTensor, i) : row,
            );
          return ops.swiglu(pick(gate, up), pick(up, gate));
        },
      };
    },
  ),
];
