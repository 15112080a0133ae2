// Ops that show what they compute: every result that has a name, by the path of its module in transformers.
import type { ExpertIds, Ops, Tensor, Weight } from "../ops/ops.ts";

export interface Observer {
  /**
   * The output of a module, or what the graph has noted. Of `….experts.w1` (w2, w3) the rows are one per choice [T·k,
   * cols].
   */
  result(path: string, result: Tensor | ExpertIds): void;
  /** A bias that decides who is chosen. */
  bias?(bias: Weight): void;
  /** How near others came to being chosen: `ranked` [T, numExperts] are the scores, with their bias, of which k won. */
  choice?(path: string, ranked: Tensor, k: number): void;
}

/** The same ops, showing every result that has a name, while it lives: in the order in which the graph computes them. */
export function observed(ops: Ops, { result: see, bias: seeBias, choice: seeChoice }: Observer): Ops {
  let unnamed: { readonly path: string; readonly result: Tensor | ExpertIds } | undefined;
  let chosen: { readonly ids: ExpertIds; readonly ranked: Tensor } | undefined;

  const settle = (): void => {
    const held = unnamed;
    unnamed = undefined;
    if (held !== undefined) see(held.path, held.result);
  };
  // A module's output bears the path of its weight. Not at once: a note, which follows at once, names it better.
  const ofModule = <R extends Tensor>({ path }: Weight, result: R): R => {
    settle();
    unnamed = { path, result };
    return result;
  };

  const derived: Ops = Object.create(ops);
  derived.embed = (ids, w) => ofModule(w, ops.embed(ids, w));
  derived.linear = (x, w) => ofModule(w, ops.linear(x, w));
  derived.expertLinear = (x, w, experts) => ofModule(w, ops.expertLinear(x, w, experts));
  derived.rmsNorm = (x, w, eps) => ofModule(w, ops.rmsNorm(x, w, eps));
  derived.causalConv = (x, w, state) => ofModule(w, ops.causalConv(x, w, state));
  derived.addBias = (x, bias) => {
    seeBias?.(bias);
    return ops.addBias(x, bias);
  };
  derived.topK = (ranked, k) => {
    const ids = ops.topK(ranked, k);
    chosen = { ids, ranked };
    return ids;
  };
  derived.note = (path, result) => {
    if (unnamed?.result === result) unnamed = undefined;
    settle();
    see(path, result);
    if (chosen !== undefined && chosen.ids === result) {
      seeChoice?.(path.replace(/experts$/, "margin"), chosen.ranked, chosen.ids.k);
      chosen = undefined;
    }
    return result;
  };
  // The last moments of what a layer, and a step, have computed.
  derived.carry = (h, to) => {
    settle();
    return ops.carry(h, to);
  };
  derived.commit = (states) => {
    settle();
    ops.commit(states);
  };
  return derived;
}
