// The language the graph is written in: what a tensor, a weight and an operation are. Types, and the size of a page.

/** Float32 numbers [rows, cols], held by a backend. */
export interface Tensor {
  readonly rows: number;
  readonly cols: number;
}

/** Chosen expert ids [rows, k], ascending within a row, held by a backend. */
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

/** Positions of a page of keys and values: what attention reads at once. */
export const PAGE = 32;

/** Keys and values of one attention layer, as stored, of all sequences: `capacity` positions, in pages. */
export interface KvCache {
  readonly capacity: number;
}

/** The last `width − 1` inputs of one short convolution, and `spare` more, so that so many rows can be taken back. */
export interface ConvState {
  readonly width: number;
  readonly spare: number;
}

/** How far the pairs of a head turn from one position to the next, and by how much they are lengthened. */
export interface Rotation {
  /** Angle of one position, per pair [headDim / 2]. */
  readonly inverseFrequency: Float32Array;
  /** Multiplies cos and sin; a float32 number, 1 unless contexts were stretched by YaRN. */
  readonly attentionFactor: number;
}

/** The cosines and sines by which RoPE turns every row of a step. */
export interface Angles {
  readonly rows: number;
}

/** Successive rows of a step that continue one sequence, and what a convolution remembers of it. */
export interface ConvSpan {
  readonly rows: number;
  readonly state: ConvState;
}

/** The same, with what attention remembers. */
export interface KvSpan {
  readonly rows: number;
  /** Position of the first row. */
  readonly start: number;
  /** Positions whose keys and values the cache holds and keeps: `start`, or more where rows are run a second time. */
  readonly stored: number;
  readonly cache: KvCache;
  /** Which pages of the cache have the sequence's positions, in their order; up to the last row at least. */
  readonly pages: readonly number[];
}

/**
 * The operations of the architecture. Every backend can do each of them in every shape the graph asks for; shapes
 * are checked once, when weights are loaded. A row's result depends on that row and on its own sequence, never on the
 * rows beside it: a sequence may be cut into steps anywhere, beside any others, and gives the same bits.
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
   * Causal depthwise convolution (cross-correlation): y[t, c] = Σᵢ w[c, i] · x[t − width + 1 + i, c], where the rows of a
   * span follow one another and those before it are in its state; `w` is [cols, width].
   */
  causalConv(x: Tensor, w: Weight, spans: readonly ConvSpan[]): Tensor;

  /** cos and sin of positions[t] · inverseFrequency[j], times attentionFactor, for every row. */
  angles(positions: Int32Array, rotation: Rotation): Angles;

  /** Turns each head's halves, element j with j + headDim/2, by the row's j-th angle; `x` is [T, heads · headDim]. */
  rope(x: Tensor, angles: Angles): Tensor;

  /**
   * Adds the rows of `k`, `v` [T, kvHeads · headDim] to the caches of their spans, then softmax(q · kᵀ / √headDim) · v for
   * every query head, each row seeing its own sequence up to itself; keys and values are read as stored. Query head h
   * reads KV head ⌊h · kvHeads / heads⌋.
   */
  attention(q: Tensor, k: Tensor, v: Tensor, spans: readonly KvSpan[], headDim: number): Tensor;
}
