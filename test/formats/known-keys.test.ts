// Keys that are refused by name, warned of, or known to matter nothing; and that the documents list them.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatsMarkdown } from "../../docs/formats.ts";
import { ggufArchitectureKeys, ggufKeys } from "../../src/formats/gguf/known-keys.ts";
import type { GgufValue } from "../../src/formats/gguf/value.ts";
import { integers, scalar } from "../../src/formats/gguf/write.ts";
import { checkedConfig, checkedGenerationConfig } from "../../src/formats/hf/config.ts";
import { configJsonKeys, generationConfigKeys, ropeKeys } from "../../src/formats/hf/config-json-keys.ts";
import { jsonLimits, parseJsonObject } from "../../src/formats/json.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { readConfig } from "../../src/model/config.ts";
import { writeGguf } from "./gguf/gguf-writer.ts";
import { folderOf, hfFolder, tinyMetadata, tinyTensors } from "./tiny-model.ts";

const base = { model_type: "lfm2", architectures: ["Lfm2ForCausalLM"] };

function checked(more: Record<string, unknown>) {
  const warnings: string[] = [];
  return { config: checkedConfig({ ...base, ...more }, "config.json", warnings), warnings };
}

async function gguf(keys: Record<string, GgufValue>) {
  return openCheckpoint(
    folderOf({ "m.gguf": writeGguf([...tinyMetadata(), ...Object.entries(keys)], tinyTensors()) }),
    "m.gguf",
  );
}

describe("config.json", () => {
  it("of published checkpoints says nothing unknown", () => {
    // LFM2-700M, all keys.
    const early = {
      ...{ block_auto_adjust_ff_dim: true, block_dim: 1536, block_ff_dim: 10240, block_ffn_dim_multiplier: 1.0 },
      ...{ block_mlp_init_scale: 1.0, block_multiple_of: 256, block_norm_eps: 1e-5, block_out_init_scale: 1.0 },
      ...{ block_use_swiglu: true, block_use_xavier_init: true, bos_token_id: 1, conv_L_cache: 3, conv_bias: false },
      ...{ conv_dim: 1536, conv_dim_out: 1536, conv_use_xavier_init: true, eos_token_id: 7, hidden_size: 1536 },
      ...{ full_attn_idxs: [2, 5, 8, 10, 12, 14], initializer_range: 0.02, max_position_embeddings: 128000 },
      ...{ norm_eps: 1e-5, num_attention_heads: 24, num_heads: 24, num_hidden_layers: 16, num_key_value_heads: 8 },
      ...{ pad_token_id: 0, rope_theta: 1000000.0, torch_dtype: "bfloat16", transformers_version: "4.54.0.dev0" },
      ...{ use_cache: true, use_pos_enc: true, vocab_size: 65536 },
    };
    const { config, warnings } = checked(early);
    expect(warnings).toEqual([]);
    expect(readConfig(config)).toMatchObject({ intermediateSize: 6912, hiddenSize: 1536, headDim: 64 });
    for (const file of ["nano/hf", "transformers/moe-small", "transformers/dense-yarn"]) {
      const raw = JSON.parse(readFileSync(new URL(`../../golden/${file}/config.json`, import.meta.url), "utf8"));
      expect(checked(raw).warnings, file).toEqual([]);
    }
  });

  const refused: [what: string, more: Record<string, unknown>, message: string][] = [
    [
      "attention both ways",
      { is_causal: false },
      "config.json, is_causal: expected true, found false. Attention to later",
    ],
    [
      "a config for every layer",
      { per_layer_config: { 0: { norm_eps: 1 } } },
      "config.json, per_layer_config: expected {},",
    ],
    [
      "another activation",
      { hidden_act: "gelu" },
      'config.json, hidden_act: expected "silu" or "swish", found "gelu".',
    ],
    ["no positions", { use_pos_enc: false }, "config.json, use_pos_enc: expected true, found false."],
    [
      "half a head turned",
      { rope_parameters: { rope_type: "yarn", factor: 2, partial_rotary_factor: 0.5 } },
      "config.json, rope_parameters.partial_rotary_factor: expected 1, found 0.5.",
    ],
    [
      "a bidirectional model",
      { architectures: ["Lfm2BidirectionalModel"] },
      'config.json, architectures: expected Lfm2ForCausalLM or Lfm2MoeForCausalLM, found "Lfm2BidirectionalModel", ' +
        "a bidirectional model, which gives embeddings (LFM2.5-Embedding).",
    ],
    [
      "a model of embeddings",
      { architectures: ["Lfm2Model"] },
      "a model without a head, which gives embeddings (LFM2-ColBERT). This project runs causal language models of the LFM2 " +
        "family; open one of these. If this is one that was saved without its head, write Lfm2ForCausalLM there.",
    ],
    ["a classifier", { architectures: ["Lfm2ForSequenceClassification"] }, "a classifier."],
    ["a model of speech", { architectures: ["Lfm2AudioForConditionalGeneration"] }, "a model of speech (LFM2-Audio)."],
    [
      "another family",
      { model_type: "llama", architectures: null },
      'expected model_type "lfm2_moe" or "lfm2", found "llama".',
    ],
    [
      "a vision model without its text half",
      { model_type: "lfm2_vl" },
      "config.json: expected a text_config, found nothing.",
    ],
  ];
  it.each(refused)("refuses %s", (_, more, message) => {
    expect(() => checked(more)).toThrow(message);
  });

  it("warns of what nothing is known of, by name, and of no null", () => {
    const rope = { rope_type: "default", rope_theta: 1e6, mystery: 2 };
    const { warnings } = checked({ unheard_of: 1, another: null, rope_parameters: rope });
    expect(warnings).toEqual([
      'config.json: unknown keys, which are not used: "unheard_of", "rope_parameters.mystery". ' +
        "If one of them changes what the model computes, it is not what is computed here.",
    ]);
  });

  it("warns of a text_config that is not LFM2-VL's, for the keys beside it are the model's", () => {
    const { warnings } = checked({ model_type: "lfm2", text_config: { hidden_size: 32 } });
    expect(warnings).toEqual([expect.stringMatching(/unknown key, which is not used: "text_config"/)]);
  });

  it("of LFM2-VL is read as its text half's, the head tied as the whole says", () => {
    const text = { model_type: "lfm2", hidden_size: 1024, tie_embedding: true, vocab_size: 65536 };
    const vision = { model_type: "lfm2_vl", architectures: ["Lfm2VlForConditionalGeneration"], text_config: text };
    const { config, warnings } = checked({ ...vision, vision_config: { a: 1 }, tie_word_embeddings: false });
    expect(readConfig(config)).toMatchObject({ hiddenSize: 1024, tieWordEmbeddings: false, modelType: "lfm2" });
    expect(warnings).toEqual([
      "config.json: this is an LFM2-VL model. Its text half is run; images are not understood.",
    ]);
    expect(readConfig(checked({ ...vision, tie_word_embeddings: undefined }).config).tieWordEmbeddings).toBe(true);
  });

  it("with a number that only Python writes is told so", () => {
    for (const number of ["NaN", "Infinity", "-Infinity"]) {
      expect(() =>
        parseJsonObject(`{"a": "NaN \\" Infinity", "norm_eps": ${number}}`, "config.json", jsonLimits.settings),
      ).toThrow(`config.json: expected JSON, whose numbers are finite, found ${number}. Python's json writes it`);
    }
    expect(() => parseJsonObject('{"a": "NaN", "b" 1}', "config.json", jsonLimits.settings)).toThrow(
      "expected JSON, found text that is not JSON.",
    );
  });
});

describe("any config.json", () => {
  it("is read or refused with a FormatError, whatever JSON stands in one key", () => {
    const keys = [...configJsonKeys, ...ropeKeys].flatMap((entry) => entry.keys);
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), fc.jsonValue(), (key, value, rope) => {
        try {
          checked({ rope_parameters: { [key]: rope }, [key]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});

describe("generation_config.json", () => {
  it("is warned of where it asks for more than sampling", () => {
    const warnings: string[] = [];
    // What transformers' GenerationConfig writes when everything is off.
    const off = { num_beams: 1, typical_p: 1.0, length_penalty: 1.0, no_repeat_ngram_size: 0, bad_words_ids: null };
    checkedGenerationConfig({ _from_model_config: true, eos_token_id: 7, temperature: 0.3, ...off }, "g", warnings);
    expect(warnings).toEqual([]);
    checkedGenerationConfig({ no_repeat_ngram_size: 3, suppress_tokens: [4] }, "generation_config.json", warnings);
    expect(warnings.join()).toMatch(
      /^generation_config\.json: unknown keys.*"no_repeat_ngram_size", "suppress_tokens"\./,
    );
  });
});

describe("GGUF", () => {
  const refused: [key: string, value: GgufValue, message: string][] = [
    [
      "lfm2moe.attention.causal",
      scalar("bool", false),
      "expected true, found false. Attention to later positions makes",
    ],
    [
      "lfm2moe.pooling_type",
      scalar("u32", 1),
      "expected 0, found 1. Pooled states are embeddings, such as LFM2-ColBERT's.",
    ],
    ["lfm2moe.expert_group_count", scalar("u32", 4), "expected 0 or 1, found 4."],
    ["lfm2moe.classifier.output_labels", scalar("str", "a"), 'expected a key that is known for LFM2, found "a".'],
    ["lfm2moe.unheard_of", integers([1, 2]), "expected a key that is known for LFM2, found [1,2]."],
    ["general.type", scalar("str", "vocab"), 'expected "model", found "vocab".'],
  ];
  it.each(refused)("is refused for %s", async (key, value, message) => {
    await expect(gguf({ [key]: value })).rejects.toThrow(`m.gguf, ${key}: ${message}`);
  });

  it("warns of unknown keys elsewhere, and knows what its writers note", async () => {
    const noted = {
      "general.base_model.0.repo_url": scalar("str", "x"),
      "general.license.link": scalar("str", "x"),
      "quantize.imatrix.entries_count": scalar("u32", 1),
      "lfm2moe.attention.causal": scalar("bool", true),
      "lfm2moe.rope.scaling.finetuned": scalar("bool", true),
    };
    expect((await gguf(noted)).warnings).toEqual([]);
    const { warnings } = await gguf({ "llama.rope.freq_base": scalar("f32", 1), "general.new": scalar("u8", 1) });
    expect(warnings.join()).toMatch(
      /^m\.gguf: unknown keys, which are not used: "llama\.rope\.freq_base", "general\.new"\./,
    );
  });

  it("names a key as the file does where the model cannot have its value", async () => {
    const { config, keyNames } = await gguf({ "lfm2moe.rope.scaling.factor": scalar("f32", 1e9) });
    const cases: [Record<string, unknown>, string][] = [
      [{ hidden_size: 6 }, "lfm2moe.embedding_length: expected a multiple of 4 (4 float32 lanes), found 6."],
      [{ intermediate_size: 1 }, "lfm2moe.feed_forward_length: expected an integer in [4, 1048576], found 1."],
      [{ vocab_size: 0 }, "lfm2moe.vocab_size: expected an integer in [1, 16777216], found 0."],
      [{}, "lfm2moe.rope.scaling.factor: expected a number in [0.001, 1000000], found 1000000000."],
    ];
    for (const [change, message] of cases)
      expect(() => readConfig({ ...config, ...change }, keyNames)).toThrow(message);
  });

  it("of Ollama's converter states a dense width before its adjustment; the tensors know it", async () => {
    const dense = new Map([...tinyMetadata()].map(([key, value]) => [key.replace("lfm2moe", "lfm2"), value]));
    for (const key of [...dense.keys()]) if (/expert|leading/.test(key)) dense.delete(key);
    dense.set("general.architecture", scalar("str", "lfm2"));
    const widthOf = async (stated: number, rows: number) => {
      const metadata = new Map(dense).set("lfm2.feed_forward_length", scalar("u32", stated));
      const tensors = tinyTensors().map((tensor) =>
        tensor.name === "blk.0.ffn_gate.weight"
          ? { ...tensor, shape: [rows, 32], data: new Uint8Array(rows * 34) }
          : tensor,
      );
      const { config } = await openCheckpoint(folderOf({ "m.gguf": writeGguf(metadata, tensors) }), "m.gguf");
      return readConfig(config).intermediateSize;
    };
    expect(await widthOf(384, 256)).toBe(256);
    expect(await widthOf(256, 256)).toBe(256);
    expect(await widthOf(400, 256)).toBe(400); // nobody's adjustment: the shapes will be refused
  });
});

describe("the tables", () => {
  it("are what docs/formats.md lists (npm run docs)", () => {
    const written = readFileSync(new URL("../../docs/formats.md", import.meta.url), "utf8");
    expect(written).toBe(formatsMarkdown());
  });

  it("name each key once", () => {
    for (const table of [configJsonKeys, ropeKeys, generationConfigKeys, ggufArchitectureKeys, ggufKeys]) {
      const keys = table.flatMap((entry) => entry.keys);
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    }
  });

  it("are the same by folder, where a file of the config is refused before any weight", async () => {
    const folder = hfFolder(undefined, { "config.json": JSON.stringify({ ...base, is_causal: false }) });
    await expect(openCheckpoint(folder, undefined)).rejects.toThrow("model, config.json, is_causal: expected true");
    await expect(openCheckpoint(folder, "model.safetensors")).rejects.toThrow("is_causal: expected true");
  });
});
