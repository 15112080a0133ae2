import { describe, expect, it } from "vitest";
import { createNameMap, parseNamePatterns, readyMaps } from "../../src/oracle/recorded/name-map.ts";
import { inExecutionOrder } from "../../src/oracle/recorded/point-names.ts";

describe("a name map", () => {
  it("puts a layer's number where the pattern has it, and one more or less", () => {
    const map = createNameMap({
      "blk.{layer}.out": "model.layers.{layer}",
      "h.{layer}": "model.layers.{layer-1}",
      "x{layer}": "y{layer+1}",
    });
    expect(["blk.7.out", "h.12", "x0"].map(map)).toEqual(["model.layers.7", "model.layers.11", "y1"]);
  });

  it("leaves what no pattern fits, and takes the first that does", () => {
    const map = createNameMap({ "a.*": "", "a.b": "c", "{layer}": "n{layer}" });
    expect(["a.b", "ab", "a.", "12", "12x", "-1", "99999"].map(map)).toEqual([
      "",
      "ab",
      "",
      "n12",
      "12x",
      "-1",
      "99999",
    ]);
  });

  it("of transformers' hidden states: the embedding, the layers, and the final norm at the end", () => {
    const names = ["hidden_states.0", "hidden_states.1", "hidden_states.2"];
    expect(names.map(createNameMap(readyMaps.hf, names))).toEqual([
      "model.embed_tokens",
      "model.layers.0",
      "model.embedding_norm",
    ]);
  });

  it("of transformers' modules: the gate's three outputs, the fused experts, and what is no point of the graph", () => {
    const map = createNameMap(readyMaps.hf);
    const ff = "model.layers.3.feed_forward";
    expect([`${ff}.gate.0`, `${ff}.gate.1`, `${ff}.gate.2`, `${ff}.experts`, `${ff}.experts.5.w1`].map(map)).toEqual([
      `${ff}.gate.logits`,
      `${ff}.gate.weights`,
      `${ff}.gate.experts`,
      ff,
      "",
    ]);
    expect(["input_ids", "logits", "model.layers.3.conv"].map(map)).toEqual(["ids", "lm_head", "model.layers.3.conv"]);
  });

  it("of llama.cpp and of mlx-lm gives points of this graph only", () => {
    const llama = createNameMap(readyMaps["llama.cpp"]);
    const names = [
      "ffn_moe_logits-4",
      "model.layers.{}.self_attn.q_layernorm-2",
      "model.layers.{}.ffn_out-0",
      "result_output",
      "ffn_moe_gate-4",
    ];
    expect(names.map(llama)).toEqual([
      "model.layers.4.feed_forward.gate.logits",
      "model.layers.2.self_attn.q_layernorm",
      "model.layers.0.ffn_norm",
      "lm_head",
      "",
    ]);
    const mlx = createNameMap(readyMaps["mlx-lm"]);
    expect(
      ["model.layers.4.feed_forward.gate", "model.layers.4.conv.out_proj", "model.layers.4.ffn_norm"].map(mlx),
    ).toEqual(["model.layers.4.feed_forward.gate.logits", "model.layers.4.conv", "model.layers.4.ffn_norm"]);
  });

  it("is refused where it is no object of names", () => {
    expect(() => parseNamePatterns('{"a": 1}', "map.json")).toThrow(
      "map.json, a: expected a name of at most 300 characters, found 1.",
    );
    expect(() => parseNamePatterns("[]", "map.json")).toThrow("map.json: expected a JSON object");
  });
});

describe("points without an order of their own", () => {
  it("are put into that of execution; unknown ones before what they are part of", () => {
    const ordered = [
      "model.embed_tokens",
      "model.layers.2.operator_norm",
      "model.layers.2.conv.in_proj",
      "model.layers.2.conv.conv",
      "model.layers.2.conv.mystery",
      "model.layers.2.conv",
      "model.layers.2.ffn_norm",
      "model.layers.2.feed_forward.gate.logits",
      "model.layers.2.feed_forward.gate.experts",
      "model.layers.2.feed_forward.gate.weights",
      "model.layers.2.feed_forward",
      "model.layers.2",
      "model.layers.10.self_attn",
      "model.layers.10",
      "model.embedding_norm",
      "lm_head",
    ];
    expect(inExecutionOrder([...ordered].sort())).toEqual(ordered);
    expect(inExecutionOrder([...ordered].reverse())).toEqual(ordered);
  });
});
