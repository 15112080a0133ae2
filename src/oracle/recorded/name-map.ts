// Other runtimes' names for the points of the graph.
import { type JsonObject, jsonLimits, parseJsonObject } from "../../formats/json.ts";
import { refuse, show, within } from "../../formats/refusal.ts";

/** What a name may stand for besides a point. */
export const IDS = "ids";
export const MASK = "mask";
export const IGNORED = "";

/** Gives the point of a foreign name, IDS for the input ids, MASK for 1 where these are no padding, IGNORED for what is not to be compared. */
export type NameMap = (foreign: string) => string;

/**
 * Patterns of foreign names → our names; the first that fits counts, and what none fits keeps its name. In a pattern
 * `{layer}` stands for a number, `{last}` for the highest number that stands there in the file, where all from 0 on do, and
 * one `*` for anything. In a name, `{layer}`, `{layer+1}` or `{layer-1}` puts the number there.
 */
export type NamePatterns = Readonly<Record<string, string>>;

/** Written by hand from each project's sources; those of llama.cpp and mlx-lm have not been run here. */
export const readyMaps: Readonly<Record<string, NamePatterns>> = {
  /**
   * transformers' module paths are ours. `hidden_states.N` is what `output_hidden_states=True` gives: the embedding, then
   * every layer, but for the last one the final norm's output. Tuple outputs are those of a hook that numbers them: the
   * gate gives logits, weights and ids of the experts.
   * @source transformers 5.18.0, modeling_lfm2_moe.py
   */
  hf: {
    input_ids: IDS,
    attention_mask: MASK,
    logits: "lm_head",
    last_hidden_state: "model.embedding_norm",
    "hidden_states.0": "model.embed_tokens",
    "hidden_states.{last}": "model.embedding_norm",
    "hidden_states.{layer}": "model.layers.{layer-1}",
    "model.layers.{layer}.feed_forward.gate.0": "model.layers.{layer}.feed_forward.gate.logits",
    "model.layers.{layer}.feed_forward.gate.1": "model.layers.{layer}.feed_forward.gate.weights",
    "model.layers.{layer}.feed_forward.gate.2": "model.layers.{layer}.feed_forward.gate.experts",
    "model.layers.{layer}.feed_forward.gate": "model.layers.{layer}.feed_forward.gate.logits",
    // The fused stack of transformers 5 gives the weighted sum; before it, experts were modules of their own, each with
    // the rows of the tokens that chose it, which are no point of this graph.
    "model.layers.{layer}.feed_forward.experts": "model.layers.{layer}.feed_forward",
    "model.layers.{layer}.feed_forward.experts.*": IGNORED,
    // torch pads on both sides, so the module's output is longer than the sequence and not yet cut.
    "model.layers.{layer}.conv.conv": IGNORED,
    "model.layers.{layer}.conv.out_proj": "model.layers.{layer}.conv",
    "model.layers.{layer}.self_attn.out_proj": "model.layers.{layer}.self_attn",
    "model.layers.{layer}.self_attn.0": "model.layers.{layer}.self_attn",
    "model.layers.{layer}.feed_forward.0": "model.layers.{layer}.feed_forward",
    "model.layers.{layer}.feed_forward.w2": "model.layers.{layer}.feed_forward",
    "model.layers.{layer}.0": "model.layers.{layer}",
  },
  /**
   * Tensor names of the eval callback. Shapes are to be written slowest axis first: ggml's ne reversed. Ask for the
   * logits of every token, or the last layer keeps one row.
   *
   * The norm before the feed-forward is renamed `ffn_out` further down in the same function.
   * @source ggml-org/llama.cpp src/models/lfm2.cpp, src/llama-graph.cpp build_moe_ffn, src/llama-context.cpp graph_get_cb
   */
  "llama.cpp": {
    inp_tokens: IDS,
    inp_embd: "model.embed_tokens",
    result_norm: "model.embedding_norm",
    result_output: "lm_head",
    "model.layers.{}.conv.out_proj-{layer}": "model.layers.{layer}.conv",
    "model.layers.{}.self_attn.out_proj-{layer}": "model.layers.{layer}.self_attn",
    "model.layers.{}.ffn_out-{layer}": "model.layers.{layer}.ffn_norm",
    "model.layers.{}.operator_norm-{layer}": "model.layers.{layer}.operator_norm",
    "model.layers.{}.ffn_norm-{layer}": "model.layers.{layer}.ffn_norm",
    "model.layers.{}.conv.in_proj-{layer}": "model.layers.{layer}.conv.in_proj",
    "model.layers.{}.conv.conv-{layer}": "model.layers.{layer}.conv.conv",
    "model.layers.{}.self_attn.q_proj-{layer}": "model.layers.{layer}.self_attn.q_proj",
    "model.layers.{}.self_attn.k_proj-{layer}": "model.layers.{layer}.self_attn.k_proj",
    "model.layers.{}.self_attn.v_proj-{layer}": "model.layers.{layer}.self_attn.v_proj",
    "model.layers.{}.self_attn.q_layernorm-{layer}": "model.layers.{layer}.self_attn.q_layernorm",
    "model.layers.{}.self_attn.k_layernorm-{layer}": "model.layers.{layer}.self_attn.k_layernorm",
    "ffn_moe_logits-{layer}": "model.layers.{layer}.feed_forward.gate.logits",
    "ffn_moe_topk-{layer}": "model.layers.{layer}.feed_forward.gate.experts",
    "ffn_moe_weights_norm-{layer}": "model.layers.{layer}.feed_forward.gate.weights",
    "ffn_moe_out-{layer}": "model.layers.{layer}.feed_forward",
    "ffn_*": IGNORED,
  },
  /**
   * Module paths of `model.named_modules()`, with each module's `__call__` wrapped to keep what it gives.
   * @source ml-explore/mlx-lm mlx_lm/models/lfm2_moe.py
   */
  "mlx-lm": {
    inputs: IDS,
    logits: "lm_head",
    "model.layers.{layer}.feed_forward.gate": "model.layers.{layer}.feed_forward.gate.logits",
    "model.layers.{layer}.feed_forward.gate_proj": "model.layers.{layer}.feed_forward.w1",
    "model.layers.{layer}.feed_forward.up_proj": "model.layers.{layer}.feed_forward.w3",
    "model.layers.{layer}.feed_forward.down_proj": "model.layers.{layer}.feed_forward",
    "model.layers.{layer}.feed_forward.switch_mlp*": IGNORED,
    "model.layers.{layer}.conv.out_proj": "model.layers.{layer}.conv",
    "model.layers.{layer}.self_attn.out_proj": "model.layers.{layer}.self_attn",
    // Modules give heads apart, [heads, positions, headDim] once transposed: other axes than ours.
    "model.layers.{layer}.self_attn.rope": IGNORED,
  },
};

/** @throws FormatError when the text is not an object of names */
export function parseNamePatterns(text: string, subject: string): NamePatterns {
  const patterns: JsonObject = parseJsonObject(text, subject, jsonLimits.settings);
  for (const [pattern, name] of Object.entries(patterns)) {
    if (typeof name !== "string" || pattern.length > MAX_NAME || name.length > MAX_NAME) {
      refuse(
        within(subject, pattern),
        `a name of at most ${MAX_NAME} characters`,
        show(name),
        'Write {"theirs": "ours"}.',
      );
    }
  }
  return patterns as NamePatterns;
}

const MAX_NAME = 300;
/** Matching is linear in both, but names come from files. */
const MAX_PATTERNS = 10_000;

/** @param names  all names of the file, for `{last}` */
export function createNameMap(patterns: NamePatterns, names: readonly string[] = []): NameMap {
  const rules = Object.entries(patterns)
    .slice(0, MAX_PATTERNS)
    .map(([pattern, ours]) => {
      const any = pattern.replace("{last}", "{layer}");
      const isLast = any !== pattern;
      return {
        pattern: any,
        ours,
        last: isLast ? lastOf(any, names) : undefined,
      };
    });
  return (foreign) => {
    for (const { pattern, ours, last } of rules) {
      const layer = matchLayer(pattern, foreign);
      if (layer === undefined || (last !== undefined && layer !== last)) continue;
      return ours.replace(/\{layer([+-]1)?\}/g, (_, by = "0") => String(layer + Number(by)));
    }
    return foreign;
  };
}

/** The last of the numbers from 0 on; −1 where one is missing, for then others may be missing at the end, too. */
function lastOf(pattern: string, names: readonly string[]): number {
  const numbers = new Set(names.flatMap((name) => matchLayer(pattern, name) ?? []));
  return numbers.has(numbers.size - 1) && [...numbers].every((number) => number < numbers.size) ? numbers.size - 1 : -1;
}

/** The number that `{layer}` stands for, −1 where the pattern fits without one, undefined where it does not fit. */
function matchLayer(pattern: string, name: string): number | undefined {
  if (name.length > MAX_NAME) return undefined;
  const [before, after] = pattern.split("{layer}");
  if (after === undefined) return matchStar(before, name) ? -1 : undefined;
  if (!name.startsWith(before)) return undefined;
  const digits = /^\d{1,4}/.exec(name.slice(before.length))?.[0];
  if (digits === undefined) return undefined;
  return matchStar(after, name.slice(before.length + digits.length)) ? Number(digits) : undefined;
}

/** One `*` at most. */
function matchStar(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}
