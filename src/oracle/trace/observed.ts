// Ops that show what they compute, by the path of its module in transformers. The graph has no word for it: a module's
// output is what its last weight gives, and the few results between modules are known by what they are made of.
import type { ExpertIds, Ops, Tensor } from "../../ops/ops.ts";

export interface Observer {
  /** A result that has a name. Of `….experts.w1` (w2, w3) the rows are one per choice [T·k, cols]. */
  result(path: string, result: Tensor | ExpertIds): void;
  /** What the graph is to go on with in place of a result: of the same shape, or undefined for the result itself. */
  instead?<R extends Tensor | ExpertIds>(path: string, result: R): R | undefined;
  /** How near others came to being chosen: `ranked` [T, numExperts] are the scores, with their bias, of which k won. */
  choice?(path: string, ranked: Tensor, k: number): void;
  /** A bias that decides who is chosen: `….expert_bias`. */
  bias?(path: string, cols: number): void;
}

/** What has a name, as it is told to an observer. */
interface Named {
  readonly path: string;
  readonly tell: () => void;
}

export interface ObservedOps {
  readonly ops: Ops;
  /**
   * Tells the observer what has been computed since the last time, in the order of the graph. To be called before
   * results are released, layer by layer, and after the head.
   */
  readonly settle: () => void;
}

export function observed(ops: Ops, observer: Observer): ObservedOps {
  let named: Named[] = [];
  /** What a result is, for naming what is made of it. */
  const known = new WeakMap<object, string>();

  function see<R extends Tensor | ExpertIds>(path: string, result: R): R {
    named.push({ path, tell: () => observer.result(path, result) });
    return goOn(path, result);
  }

  function goOn<R extends Tensor | ExpertIds>(path: string, result: R): R {
    const next = observer.instead?.(path, result) ?? result;
    known.set(next, path);
    return next;
  }

  const derived: Ops = Object.create(ops);
  derived.embed = (ids, w) => {
    named = []; // of a step that failed, whose results are gone
    return see(w.path, ops.embed(ids, w));
  };
  derived.rmsNorm = (x, w, eps) => see(w.path, ops.rmsNorm(x, w, eps));
  derived.causalConv = (x, w, spans) => see(w.path, ops.causalConv(x, w, spans));
  derived.linear = (x, w) => {
    const input = /\.(out_proj|w2)$/.test(w.path) ? see(`${w.path}.input`, x) : x;
    return see(outputOf(w.path), ops.linear(input, w));
  };
  derived.expertLinear = (x, w, experts) => see(w.path, ops.expertLinear(x, w, experts));
  derived.rope = (x, angles) => see(`${nameOf(x).replace(/_layernorm$/, "")}_rope`, ops.rope(x, angles));
  derived.sigmoid = (x) => see(`${gateOf(x)}.scores`, ops.sigmoid(x));
  derived.addBias = (x, bias) => {
    named.push({ path: bias.path, tell: () => observer.bias?.(bias.path, bias.cols) });
    const ranked = ops.addBias(x, bias);
    known.set(ranked, `${gateOf(x)}.ranked`);
    return ranked;
  };
  derived.topK = (ranked, k) => {
    const gate = gateOf(ranked);
    const experts = see(`${gate}.experts`, ops.topK(ranked, k));
    named.push({ path: `${gate}.margin`, tell: () => observer.choice?.(`${gate}.margin`, ranked, k) });
    return experts;
  };
  derived.weightedSum = (x, weights) => {
    const feedForward = nameOf(x).replace(/\.experts\.w2$/, "");
    // Told where the router made them, before the experts' rows.
    const after = named.findIndex(({ path }) => path === `${feedForward}.experts.w1`);
    const path = `${feedForward}.gate.weights`;
    named.splice(after, 0, { path, tell: () => observer.result(path, weights) });
    return see(feedForward, ops.weightedSum(x, goOn(path, weights)));
  };
  derived.add = (a, b) => {
    const sum = ops.add(a, b);
    const layer = /^(.*)\.feed_forward$/.exec(known.get(b) ?? "")?.[1];
    return layer === undefined ? sum : see(layer, sum);
  };

  /** `….gate`, of anything that a router made of its logits. */
  function gateOf(x: Tensor): string {
    return nameOf(x).replace(/\.[a-z]+$/, "");
  }

  function nameOf(x: Tensor): string {
    const name = known.get(x);
    if (name === undefined) throw new TypeError("observed: expected a result that has a name, found another.");
    return name;
  }

  return {
    ops: derived,
    settle() {
      const all = named;
      named = [];
      for (const { tell } of all) tell();
    },
  };
}

/** A module's output bears the module's path, not that of its last weight; the head may be the embedding's. */
export function outputOf(path: string): string {
  if (path === "model.embed_tokens") return "lm_head";
  if (path.endsWith(".gate")) return `${path}.logits`;
  return path.replace(/\.out_proj$/, "").replace(/(\.feed_forward)\.w2$/, "$1");
}
