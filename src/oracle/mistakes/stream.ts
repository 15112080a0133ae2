// What runs through all layers: the embedding, what is added to it, and the logits that come of it.
import type { Tensor } from "../../ops/ops.ts";
import { byRow, type RowChange } from "./columns.ts";
import { type Change, inParts, type Mistake, type Scene } from "./mistake.ts";

const embedding = inParts("embedding").bug;
const head = inParts("head").bug;
const { bug } = inParts("norm");

type Sum = (stream: Tensor, result: Tensor, ops: Parameters<Change>[0]) => Tensor;

/** The operator's result is added first, which shows in the norm after it; the feed-forward's second. */
function sums(cause: string, says: string, change: Sum): Mistake[] {
  const where = [
    ["the operator's", "norm", [0]],
    ["the operator's and the feed-forward's", "norm", [0, 1]],
    ["the feed-forward's", "residual", [1]],
  ] as const;
  return where.map(([whose, part, changed]) =>
    inParts(part).bug(cause, `${whose} ${says}`, (ops) => {
      let count = 0;
      return {
        add: (a, b) => ((changed as readonly number[]).includes(count++) ? change(a, b, ops) : ops.add(a, b)),
      };
    }),
  );
}

/** Every row of logits changed. */
function logits(change: RowChange): Change {
  return (ops) => ({ linear: (x, w) => byRow(ops.linear(x, w), change) });
}

const capped = (cap: number): Mistake =>
  head(
    "capped-logits",
    `logits capped at ${cap} by tanh`,
    logits((row) => row.map((value) => cap * Math.tanh(value / cap))),
  );

const moved = (says: string, by: number): Mistake =>
  embedding("embedding-rows-moved", says, (ops) => ({
    embed: (ids, w) =>
      ops.embed(
        ids.map((id) => (id + by + w.rows) % w.rows),
        w,
      ),
  }));

/** The stream as it was before the layers that are left out. */
function skipped(count: number): Mistake {
  const what = count === 1 ? "layer" : `${count} layers`;
  return inParts("norm", "final norm").bug("skipped-layer", `the ${what} before it left out`, (ops, config, scene) => {
    const before = (path: string): Tensor | undefined => {
      const isLast = path === "model.embedding_norm";
      const to = isLast ? config.numHiddenLayers : Number(/\.(\d+)\.operator_norm$/.exec(path)?.[1]);
      const from = to - 1 - count;
      return from < -1 ? undefined : scene.recorded(from < 0 ? "model.embed_tokens" : `model.layers.${from}`);
    };
    let isFirst = true;
    return {
      rmsNorm: (x, w, eps) => ops.rmsNorm(before(w.path) ?? x, w, eps),
      add(a, b) {
        const stream = isFirst ? before(`${scene.layer}.operator_norm`) : undefined;
        isFirst = false;
        return ops.add(stream ?? a, b);
      },
    };
  });
}

const operatorOf = ({ layer, recorded }: Scene): Tensor | undefined =>
  recorded(`${layer}.conv`) ?? recorded(`${layer}.self_attn`);

/** The operator is given the stream itself, and its result is normed. */
const postNorm: Change = (ops, { normEps }, scene) => {
  const stream = (): Tensor | undefined => {
    const layer = Number(scene.layer.replace(/^.*\./, ""));
    return scene.recorded(layer === 0 ? "model.embed_tokens" : `model.layers.${layer - 1}`);
  };
  let isFirst = true;
  return {
    rmsNorm: (x, w, eps) =>
      ops.rmsNorm((w.path.endsWith("operator_norm") ? operatorOf(scene) : undefined) ?? x, w, eps),
    linear: (x, w) => ops.linear((/\.(in_proj|[qkv]_proj)$/.test(w.path) ? stream() : undefined) ?? x, w),
    add(a, b) {
      const norm = isFirst ? scene.weight(`${scene.layer}.operator_norm`) : undefined;
      isFirst = false;
      return ops.add(a, norm === undefined ? b : ops.rmsNorm(b, norm, normEps));
    },
  };
};

export const streamMistakes: readonly Mistake[] = [
  moved("every token embedded as the one after it", 1),
  moved("every token embedded as the one before it", -1),
  embedding("scaled-embedding", "the embedding times √hidden_size", (ops, { hiddenSize }) => ({
    embed: (ids, w) => ops.scale(ops.embed(ids, w), Math.sqrt(hiddenSize)),
  })),
  ...sums("missing-residual", "result in place of the stream instead of added to it", (_, result) => result),
  ...sums("missing-residual", "result not added to the stream", (stream) => stream),
  ...[0.5, 2, Math.SQRT1_2, Math.SQRT2].flatMap((factor) => {
    const times = `times ${Number(factor.toPrecision(3))}`;
    return [
      ...sums("scaled-residual", `result ${times} added to the stream`, (a, b, ops) =>
        ops.add(a, ops.scale(b, factor)),
      ),
      ...sums("scaled-residual", `result added to the stream ${times}`, (a, b, ops) =>
        ops.add(ops.scale(a, factor), b),
      ),
    ];
  }),
  bug("normed-residual", "the operator's result added to its normalized input instead of the stream", (ops) => {
    let [normed, isFirst]: [Tensor | undefined, boolean] = [undefined, true];
    return {
      rmsNorm(x, w, eps) {
        const y = ops.rmsNorm(x, w, eps);
        if (w.path.endsWith("operator_norm")) normed = y;
        return y;
      },
      add(a, b) {
        const stream = isFirst ? (normed ?? a) : a;
        isFirst = false;
        return ops.add(stream, b);
      },
    };
  }),
  skipped(1),
  skipped(2),
  bug("post-norm", "operator_norm applied to the operator's output instead of its input", postNorm),
  inParts("norm").bug("parallel-residual", "the feed-forward given the stream from before the operator", (ops) => {
    let before: Tensor | undefined;
    return {
      add(a, b) {
        before ??= a;
        return ops.add(a, b);
      },
      rmsNorm: (x, w, eps) => ops.rmsNorm(w.path.endsWith("ffn_norm") ? (before ?? x) : x, w, eps),
    };
  }),
  head(
    "shifted-logits",
    "logits one position late",
    logits((row, t, other) => other(t - 1) ?? row),
  ),
  head(
    "shifted-logits",
    "logits one position early",
    logits((row, t, other) => other(t + 1) ?? row),
  ),
  head(
    "moved-vocabulary",
    "every logit taken from the next token id",
    logits((row) => row.map((_, c) => row[(c + 1) % row.length])),
  ),
  head(
    "moved-vocabulary",
    "every logit taken from the token id before",
    logits((row) => row.map((_, c) => row[(c + row.length - 1) % row.length])),
  ),
  head(
    "log-probabilities",
    "log-probabilities instead of logits",
    logits((row) => {
      const most = row.reduce((a, b) => Math.max(a, b));
      const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
      return row.map((value) => value - most - Math.log(sum));
    }),
  ),
  ...[5, 10, 15, 20, 30, 50, 100].map(capped),
];
