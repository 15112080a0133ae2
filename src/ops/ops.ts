// The language the graph is written in: what a tensor, a weight and an operation are. Types only.

/** Float32 numbers [rows, cols], held by a backend. A result lives until the next `carry`. */
export interface Tensor {
  readonly rows: number;
  readonly cols: number;
}

/** Chosen expert ids [rows, k], ascending within a row, held by a backend. Lives as long as a tensor. */
export interface ExpertIds {
  readonly rows: number;
  readonly k: number;
}

/** A read-only parameter [rows, cols], or [experts, rows, cols], in the block format its file stores. */
export interface Weight {
  /** Hugging Face module path, without `.weight`: `model.layers.7.conv.in_proj`. */
  readonly path: string;
  readonly rows: number;
  readonly cols: number;
  /** Number of stacked matrices; 1 for everything that is not an expert. */
  readonly experts: number;
}

/** Keys and values of one attention layer, as stored; `capacity` positions. */
export interface KvCache {
  readonly capacity: number;
}

/** The last `width − 1` inputs of one short convolution. */
export interface ConvState {
  readonly width: number;
}

/** How far the pairs of a head turn from one position to the next, and how much longer they become. */
export interface Rotation {
  /** Angle of one position, per pair [headDim / 2]. */
  readonly inverseFrequency: Float32Array;
  /** Multiplies cos and sin; a float32 number, 1 unless contexts were stretched by YaRN. */
  readonly attentionFactor: number;
}

/**
 * The operations of the architecture. Every backend gives every result for every shape the graph asks for; shapes
 * are checked once, when weights are loaded. Results depend on the row alone, never on the rows beside it: a
 * sequence may be cut into steps anywhere and gives the same bits.
 */
export interface Ops {
  /** Rows of `w` [vocab, hidden] for `ids` [T] → [T, hidden]. */
  embed(ids: Int32Array, w: Weight): Tensor;

  /** y = x · Wᵀ: [T, cols] × [rows, cols] → [T, rows]. */
  linear(x: Tensor, w: Weight): Tensor;

  /**
   * `linear` with the matrices of the chosen experts. Rows of `x` are tokens [T, cols], each used for its k experts,
   * or one per choice [T·k, cols]. Result [T·k, rows], row t·k + j for the j-th expert of token t.
   */
  expertLinear(x: Tensor, w: Weight, experts: ExpertIds): Tensor;

  /** x / √(mean(x²) + eps) · w over every run of `w.cols` values of a row; `w` is [1, cols]. */
  rmsNorm(x: Tensor, w: Weight, eps: number): Tensor;

  /** The columns in `parts` equal slices, without copying. */
  split(x: Tensor, parts: number): Tensor[];

  /** Rows from … from + count − 1 alone, without copying. */
  rows(x: Tensor, from: number, count: number): Tensor;

  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;

  /** silu(gate) · up, silu(a) = a · sigmoid(a). */
  swiglu(gate: Tensor, up: Tensor): Tensor;

  sigmoid(x: Tensor): Tensor;

  /** x + bias on every row; `bias` is [1, cols]. */
  addBias(x: Tensor, bias: Weight): Tensor;

  /** Ids of the k largest values of every row, equal values by lower id → [T, k], ascending. */
  topK(x: Tensor, k: number): ExpertIds;

  /** x[t, ids[t, j]] → [T, k]. */
  gather(x: Tensor, ids: ExpertIds): Tensor;

  /** Every row divided by (its sum + eps). */
  normalize(x: Tensor, eps: number): Tensor;

  scale(x: Tensor, factor: number): Tensor;

  /** Σⱼ weights[t, j] · x[t·k + j], j ascending: [T·k, cols], [T, k] → [T, cols]. */
  weightedSum(x: Tensor, weights: Tensor): Tensor;

  /**
   * Causal depthwise convolution (cross-correlation): y[t, c] = Σᵢ w[c, i] · x[t − width + 1 + i, c], with the rows
   * before `x` taken from `state`; `w` is [cols, width]. The new state takes effect with `commit`.
   */
  causalConv(x: Tensor, w: Weight, state: ConvState): Tensor;

  /**
   * Rotates each head's halves: element j with j + headDim/2 by the angle position · inverseFrequency[j], with cos and
   * sin times attentionFactor. Row t of `x` [T, heads · headDim] stands at `start` + t.
   */
  rope(x: Tensor, rotation: Rotation, start: number): Tensor;

  /**
   * Writes `k`, `v` [T, kvHeads · headDim] at `start` into `cache`, then softmax(q · kᵀ / √headDim) · v for every query
   * head, position t seeing 0 … start + t; K and V are read as stored. Query head h reads KV head ⌊h · kvHeads / heads⌋.
   * Positions before `stored` (`start`, unless told) keep what the cache holds: their rows of `k`, `v` are not written.
   */
  attention(q: Tensor, k: Tensor, v: Tensor, cache: KvCache, start: number, headDim: number, stored?: number): Tensor;

  /** Carries the hidden state into the memory that holds `to`, and releases every other result. */
  carry(h: Tensor, to: Weight): Tensor;

  /**
   * Names a result by its Hugging Face module path, for whoever traces the run; gives it back unchanged. The result of
   * an op with a weight needs no note: unless it gets one, it bears its weight's path.
   */
  note<R extends Tensor | ExpertIds>(path: string, result: R): R;

  /** Makes the new convolution states the current ones, once a whole step has succeeded. */
  commit(states: readonly ConvState[]): void;

  /** Makes the convolution states those of an empty sequence: zeros. */
  reset(states: readonly ConvState[]): void;

  /** A copy of the numbers, row-major. */
  read(x: Tensor): Float32Array;
  readIds(x: ExpertIds): Int32Array;
}
