// What a point of the graph is called, what kind of numbers it holds, and when in a forward pass it is reached.

/** `tensor`: numbers [positions, cols]. `logits`: the head's. `ids`: chosen experts [positions, k]. */
export type PointKind = "tensor" | "logits" | "ids";

export const EMBEDDING = "model.embed_tokens";
export const FINAL_NORM = "model.embedding_norm";
export const HEAD = "lm_head";

/** Inside a layer, under `model.layers.N.`, in the order of execution; the layer itself comes last. */
const inLayer = [
  "operator_norm",
  "conv.in_proj",
  "conv.conv",
  "conv.out_proj.input",
  "conv",
  "self_attn.q_proj",
  "self_attn.q_layernorm",
  "self_attn.k_proj",
  "self_attn.k_layernorm",
  "self_attn.v_proj",
  "self_attn.q_rope",
  "self_attn.k_rope",
  "self_attn.out_proj.input",
  "self_attn",
  "ffn_norm",
  "feed_forward.expert_bias",
  "feed_forward.gate.logits",
  "feed_forward.gate.scores",
  "feed_forward.gate.experts",
  "feed_forward.gate.margin",
  "feed_forward.gate.weights",
  "feed_forward.w1",
  "feed_forward.experts.w1",
  "feed_forward.w3",
  "feed_forward.experts.w3",
  "feed_forward.experts.w2",
  "feed_forward.w2.input",
  "feed_forward",
  "",
];

const LAYER = /^model\.layers\.(0|[1-9]\d{0,3})(?:\.(.+))?$/;

export interface PlaceInLayer {
  readonly layer: number;
  /** "feed_forward.gate.logits"; empty for the output of the layer. */
  readonly part: string;
}

export function placeInLayer(name: string): PlaceInLayer | undefined {
  const [, layer, part = ""] = LAYER.exec(name) ?? [];
  return layer === undefined ? undefined : { layer: Number(layer), part };
}

export function isGraphPoint(name: string): boolean {
  return name === EMBEDDING || name === FINAL_NORM || name === HEAD || placeInLayer(name) !== undefined;
}

export function layerPoint(layer: number, part: string): string {
  return part === "" ? `model.layers.${layer}` : `model.layers.${layer}.${part}`;
}

/** A parameter is no position's. */
export function isParameter(name: string): boolean {
  return name.endsWith(".expert_bias");
}

export function kindOf(name: string): PointKind {
  if (name === HEAD) return "logits";
  return name.endsWith(".gate.experts") ? "ids" : "tensor";
}

/** Names as a forward pass reaches them, for files that keep no order. Unknown ones stand before what they are part of. */
export function inExecutionOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const at = x.findIndex((value, i) => value !== y[i]);
    return at < 0 ? Number(a > b) - Number(a < b) : x[at] - y[at];
  });
}

/** [embedding, layers or end; layer; part of the layer; unknown parts before their whole] */
function rank(name: string): readonly [number, number, number, number] {
  if (name === EMBEDDING) return [0, 0, 0, 0];
  const place = placeInLayer(name);
  if (place === undefined) return [2, [FINAL_NORM, HEAD].indexOf(name) + 1, 0, 0];
  let part = place.part;
  while (!inLayer.includes(part)) part = part.slice(0, Math.max(0, part.lastIndexOf(".")));
  return [1, place.layer, inLayer.indexOf(part), part === place.part ? 1 : 0];
}
