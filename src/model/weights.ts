// The parameters as a tree that mirrors the modules of the Hugging Face implementation.
import type { WeightRole, WeightSpec } from "../ops/backend.ts";
import type { Weight } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export interface Weights {
  readonly embedTokens: Weight; // [vocab, hidden]
  readonly layers: readonly LayerWeights[];
  /** Applied after the last layer, despite its name. */
  readonly embeddingNorm: Weight; // [1, hidden]
  /** `embedTokens` itself when the two are tied. */
  readonly lmHead: Weight; // [vocab, hidden]
}

export interface LayerWeights {
  readonly operatorNorm: Weight; // [1, hidden]
  readonly operator: ShortConvWeights | GqaWeights;
  readonly ffnNorm: Weight; // [1, hidden]
  readonly feedForward: MlpWeights | SparseWeights;
}

export interface ShortConvWeights {
  readonly type: "conv";
  readonly inProj: Weight; // [3·hidden, hidden]: rows of B, then C, then x
  readonly conv: Weight; // [hidden, convLCache]; the last tap meets the current position
  readonly outProj: Weight; // [hidden, hidden]
}

export interface GqaWeights {
  readonly type: "full_attention";
  readonly qProj: Weight; // [heads·headDim, hidden]
  readonly kProj: Weight; // [kvHeads·headDim, hidden]
  readonly vProj: Weight; // [kvHeads·headDim, hidden]
  readonly qLayernorm: Weight; // [1, headDim], one for all heads
  readonly kLayernorm: Weight; // [1, headDim]
  readonly outProj: Weight; // [hidden, heads·headDim]
}

export interface MlpWeights {
  readonly type: "dense";
  readonly w1: Weight; // gate [intermediate, hidden]
  readonly w3: Weight; // up   [intermediate, hidden]
  readonly w2: Weight; // down [hidden, intermediate]
}

export interface SparseWeights {
  readonly type: "sparse";
  readonly gate: Weight; // [experts, hidden]
  readonly expertBias: Weight | undefined; // [1, experts]
  readonly experts: {
    readonly w1: Weight; // gate experts × [moeIntermediate, hidden]
    readonly w3: Weight; // up   experts × [moeIntermediate, hidden]
    readonly w2: Weight; // down experts × [hidden, moeIntermediate]
  };
}

/** Builds the tree, asking for each parameter by name and shape, in the order in which the graph uses them. */
export function createWeights(config: Config, find: (spec: WeightSpec) => Weight): Weights {
  const { hiddenSize: hidden, vocabSize, headDim } = config;
  const heads = config.numAttentionHeads * headDim;
  const kvHeads = config.numKeyValueHeads * headDim;
  const get = (path: string, role: WeightRole, rows: number, cols: number, experts = 1): Weight =>
    find({ path, role, rows, cols, experts });

  const operator = (layer: string, index: number): ShortConvWeights | GqaWeights => {
    if (config.layerTypes[index] === "conv") {
      const path = `${layer}.conv`;
      return {
        type: "conv",
        inProj: get(`${path}.in_proj`, "matrix", 3 * hidden, hidden),
        conv: get(`${path}.conv`, "vector", hidden, config.convLCache),
        outProj: get(`${path}.out_proj`, "matrix", hidden, hidden),
      };
    }
    const path = `${layer}.self_attn`;
    return {
      type: "full_attention",
      qProj: get(`${path}.q_proj`, "matrix", heads, hidden),
      kProj: get(`${path}.k_proj`, "matrix", kvHeads, hidden),
      vProj: get(`${path}.v_proj`, "matrix", kvHeads, hidden),
      qLayernorm: get(`${path}.q_layernorm`, "vector", 1, headDim),
      kLayernorm: get(`${path}.k_layernorm`, "vector", 1, headDim),
      outProj: get(`${path}.out_proj`, "matrix", hidden, heads),
    };
  };

  const feedForward = (layer: string, index: number): MlpWeights | SparseWeights => {
    const path = `${layer}.feed_forward`;
    if (index < config.numDenseLayers) {
      const width = config.intermediateSize;
      return {
        type: "dense",
        w1: get(`${path}.w1`, "matrix", width, hidden),
        w3: get(`${path}.w3`, "matrix", width, hidden),
        w2: get(`${path}.w2`, "matrix", hidden, width),
      };
    }
    const { numExperts, moeIntermediateSize: width } = config;
    return {
      type: "sparse",
      gate: get(`${path}.gate`, "router", numExperts, hidden),
      expertBias: config.useExpertBias ? get(`${path}.expert_bias`, "vector", 1, numExperts) : undefined,
      experts: {
        w1: get(`${path}.experts.w1`, "matrix", width, hidden, numExperts),
        w3: get(`${path}.experts.w3`, "matrix", width, hidden, numExperts),
        w2: get(`${path}.experts.w2`, "matrix", hidden, width, numExperts),
      },
    };
  };

  const embedTokens = get("model.embed_tokens", "matrix", vocabSize, hidden);
  const layers = config.layerTypes.map((_, index) => {
    const path = `model.layers.${index}`;
    return {
      operatorNorm: get(`${path}.operator_norm`, "vector", 1, hidden),
      operator: operator(path, index),
      ffnNorm: get(`${path}.ffn_norm`, "vector", 1, hidden),
      feedForward: feedForward(path, index),
    };
  });
  return {
    embedTokens,
    layers,
    embeddingNorm: get("model.embedding_norm", "vector", 1, hidden),
    lmHead: config.tieWordEmbeddings ? embedTokens : get("lm_head", "matrix", vocabSize, hidden),
  };
}
