// What each block is: the code that computes it, put in at build time, its formula, its shapes.
import type { Config } from "../../model/config.ts";

const files = import.meta.glob(["../../model/*.ts", "../../reference/*.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

export interface Block {
  readonly title: string;
  readonly file: string;
  readonly formula: string;
  readonly says: string;
  /** With the numbers of a config: name, shape. */
  readonly shapes: (config: Config) => readonly (readonly [name: string, shape: string])[];
}

export const blocks = {
  router: {
    title: "Router",
    file: "model/router.ts",
    formula:
      "s = sigmoid(W_gate · x);  chosen = the k largest of s + bias;  weightₑ = sₑ / (Σ s over the chosen + 10⁻⁶)",
    says: "Each score is a number from 0 to 1 by itself. The bias decides who is chosen, and not how much they count.",
    shapes: (c) => [
      ["gate", `[${c.numExperts}, ${c.hiddenSize}]`],
      ["scores", `[T, ${c.numExperts}]`],
      ["expert_bias", `[1, ${c.numExperts}]`],
      ["experts, weights", `[T, ${c.numExpertsPerTok}]`],
    ],
  },
  experts: {
    title: "Experts",
    file: "model/experts.ts",
    formula: "y = Σ over the chosen e, ascending: weightₑ · w2ₑ(silu(w1ₑ x) ⊙ w3ₑ x)",
    says: "The weight multiplies an expert’s output.",
    shapes: (c) => [
      ["w1, w3", `${c.numExperts} × [${c.moeIntermediateSize}, ${c.hiddenSize}]`],
      ["w2", `${c.numExperts} × [${c.hiddenSize}, ${c.moeIntermediateSize}]`],
      ["feed_forward", `[T, ${c.hiddenSize}]`],
    ],
  },
  attention: {
    title: "Grouped-query attention",
    file: "model/gqa.ts",
    formula: "out_proj(softmax(q · kᵀ / √head_dim) · v);  q, k: norm first, RoPE second",
    says: "Each head gives each position up to its own a share. Several query heads read one head of keys and values.",
    shapes: (c) => [
      ["q_rope", `[T, ${c.numAttentionHeads} · ${c.headDim}]`],
      ["k_rope, v", `[T, ${c.numKeyValueHeads} · ${c.headDim}]`],
      ["self_attn", `[T, ${c.hiddenSize}]`],
    ],
  },
  convolution: {
    title: "Short convolution",
    file: "model/short-conv.ts",
    formula: "out_proj(C ⊙ conv(B ⊙ x));  u[t] = tap₀ · bx[t−2] + tap₁ · bx[t−1] + tap₂ · bx[t]",
    says: "It mixes a token with those before it, channel by channel. B decides what enters, C what leaves.",
    shapes: (c) => [
      ["in_proj (B, C, x)", `[T, 3 · ${c.hiddenSize}]`],
      ["conv (taps)", `[${c.hiddenSize}, ${c.convLCache}]`],
      ["remembered", `[${c.convLCache - 1}, ${c.hiddenSize}]`],
    ],
  },
  stream: {
    title: "Layer and stream",
    file: "model/decoder-layer.ts",
    formula: "h ← h + operator(norm(h));  h ← h + feed_forward(norm(h));  norm(x) = x / √(mean(x²) + eps) · w",
    says: "No layer replaces the stream; each adds to it twice.",
    shapes: (c) => [["h", `[T, ${c.hiddenSize}]`]],
  },
  next: {
    title: "Final norm and head",
    file: "model/model.ts",
    formula: "logits = W_head · norm(h);  p = softmax(logits)",
    says: "The head is the embedding table once more, where the checkpoint stores no other.",
    shapes: (c) => [
      ["h", `[T, ${c.hiddenSize}]`],
      ["logits", `[T, ${c.vocabSize}]`],
    ],
  },
} satisfies Record<string, Block>;

export type Show = keyof typeof blocks;
export const shows = Object.keys(blocks) as readonly Show[];

export function sourceOf(file: string): string {
  return files[`../../${file}`] ?? "";
}
