// The feed-forward, dense or sparse: what it would give with gate and up exchanged, or weights used otherwise.
import { mul } from "../../reference/elementwise.ts";
import { expertLinear } from "../../reference/expert-linear.ts";
import { linear } from "../../reference/linear.ts";
import { swiglu } from "../../reference/swiglu.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor } from "../../reference/tensor.ts";
import { weightedSum } from "../../reference/top-k.ts";
import { type Hypothesis, type Results, readRows, type Side, type Site, tensorOf } from "./hypothesis.ts";
import { readExperts } from "./router-site.ts";

/**
 * @param path  "model.layers.2.feed_forward"
 * @param isInner  from the recorded results of w1 and w3, where true and dense; from what it reads otherwise
 */
export async function feedForwardSite(
  side: Side,
  path: string,
  from: number,
  count: number,
  isInner: boolean,
): Promise<Site | undefined> {
  const norm = path.replace(/feed_forward$/, "ffn_norm");
  const x = await readRows(side.run, norm, from, count);
  const chosen = await readExperts(side, path, from, count);
  if (chosen === undefined) return denseSite(side, path, norm, isInner ? undefined : x, from, count);
  const weights = await readRows(side.run, `${path}.gate.weights`, from, count);
  const [w1, w3, w2] = await Promise.all(
    ["w1", "w3", "w2"].map((part) => side.weights?.read(`${path}.experts.${part}`)),
  );
  if (!x || !weights || !w1 || !w3 || !w2) return undefined;

  const experts: ReferenceExpertIds = { rows: count, k: chosen.k, ids: chosen.ids };
  const ones = tensorOf(count, chosen.k, new Float32Array(count * chosen.k).fill(1));
  const results = (isSwapped: boolean, given = weights, input = x): Results => {
    const [gate, up] = [expertLinear(input, w1, experts), expertLinear(input, w3, experts)];
    const inner = isSwapped ? swiglu(up, gate) : swiglu(gate, up);
    return new Map([[path, weightedSum(expertLinear(inner, w2, experts), given)]]);
  };
  const hypotheses: Hypothesis[] = [
    { cause: "swapped-w1-w3", says: "w1 and w3 exchanged", kind: "bug", compute: () => results(true) },
    {
      cause: "unweighted-experts",
      says: "every chosen expert counted once",
      kind: "bug",
      compute: () => results(false, ones),
    },
    {
      cause: "weights-on-input",
      says: "the weights on what the experts are given instead of what they give",
      kind: "bug",
      compute: () => results(false, ones, weightedInput(x, weights)),
    },
  ];
  const inputs = [norm, `${path}.gate.experts`, `${path}.gate.weights`];
  return { inputs, from, specified: () => results(false), hypotheses };
}

async function denseSite(
  side: Side,
  path: string,
  norm: string,
  x: ReferenceTensor | undefined,
  from: number,
  count: number,
): Promise<Site | undefined> {
  const [w1, w3, w2] = await Promise.all(["w1", "w3", "w2"].map((part) => side.weights?.read(`${path}.${part}`)));
  const [gate, up] = await Promise.all(
    [w1, w3].map((w, i) =>
      x ? w && linear(x, w) : readRows(side.run, `${path}.${i === 0 ? "w1" : "w3"}`, from, count),
    ),
  );
  if (!gate || !up || !w2) return undefined;
  const results = (inner: ReferenceTensor): Results => new Map([[path, linear(inner, w2)]]);
  return {
    inputs: x ? [norm] : [`${path}.w1`, `${path}.w3`],
    from,
    specified: () => results(swiglu(gate, up)),
    hypotheses: [
      { cause: "swapped-w1-w3", says: "w1 and w3 exchanged", kind: "bug", compute: () => results(swiglu(up, gate)) },
      { cause: "missing-activation", says: "no silu", kind: "bug", compute: () => results(mul(gate, up)) },
    ],
  };
}

/** x[t] · weights[t, j], one row to each choice [T·k, cols]. */
function weightedInput(x: ReferenceTensor, weights: ReferenceTensor): ReferenceTensor {
  const k = weights.cols;
  const y = createTensor(x.rows * k, x.cols);
  for (let i = 0; i < x.rows * k; i++) {
    for (let c = 0; c < x.cols; c++) y.data[i * x.cols + c] = x.data[Math.floor(i / k) * x.cols + c] * weights.data[i];
  }
  return y;
}
