import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { GgufValue } from "../../src/formats/gguf/value.ts";
import { scalar, strings } from "../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import type { ByteSource } from "../../src/sources/source.ts";
import { type WrittenTensor, writeGguf } from "./gguf/gguf-writer.ts";
import { closeAll, floatsOf, goldenFolder } from "./golden-files.ts";
import { folderOf, tinyGguf, tinyMetadata, tinyTensors } from "./tiny-model.ts";

const golden = (folder: string) => diskFolder(join(goldenFolder, folder));
const tiny = (metadata: ReturnType<typeof tinyMetadata>, tensors = tinyTensors()) =>
  openCheckpoint(folderOf({ "m.gguf": writeGguf(metadata, tensors) }), "m.gguf");

describe("the same model as GGUF and as safetensors", () => {
  for (const [gguf, file, hf] of [
    ["nano", "lfm2-nano-Q4_0.gguf", "nano/hf"],
    ["gguf", "Q4_K.gguf", "transformers/moe-wide-heads"],
    ["gguf-dense", "F32.gguf", "transformers/dense-small"],
  ]) {
    it(`has the same tensors, shapes and config: ${gguf}/${file}`, async () => {
      const a = await openCheckpoint(golden(gguf), file);
      const b = await openCheckpoint(golden(hf), undefined);
      expect([...a.tensors.keys()].sort()).toEqual([...b.tensors.keys()].sort());
      for (const [name, { shape }] of a.tensors) expect([name, shape]).toEqual([name, b.tensors.get(name)?.shape]);
      const { head_dim, block_auto_adjust_ff_dim, intermediate_size, ...config } = a.config;
      const { rope_parameters: rope } = b.config;
      // config.json of these has no rope_theta, and gives one of the two names of tied embeddings.
      const stated = { tie_embedding: true, ...(rope as object), ...b.config, intermediate_size };
      expect(stated).toMatchObject(config);
      expect(head_dim).toBe(Number(config.hidden_size) / Number(config.num_attention_heads));
      expect(block_auto_adjust_ff_dim).toBe(config.model_type === "lfm2" ? false : undefined);
      if (config.model_type === "lfm2_moe") expect(intermediate_size).toBe(b.config.intermediate_size);
      else expect(a.tensors.get("model.layers.0.feed_forward.w1.weight")?.shape[0]).toBe(intermediate_size);
      await closeAll(a);
      await closeAll(b);
    });
  }

  it("has the same weights, where GGUF keeps them whole", async () => {
    const a = await openCheckpoint(golden("gguf-dense"), "F32.gguf");
    const b = await openCheckpoint(golden("transformers/dense-small"), undefined);
    for (const name of a.tensors.keys()) expect(await floatsOf(a, name)).toEqual(await floatsOf(b, name));
    await closeAll(a);
    await closeAll(b);
  });

  it("has the same tokenizer and template: nano", async () => {
    const a = await openCheckpoint(golden("nano"), "lfm2-nano-Q4_0.gguf");
    const b = await openCheckpoint(golden("nano/hf"), undefined);
    const [one, other] = [a.tokenizer, b.tokenizer].map((stored) => stored && readTokenizer(stored));
    if (one?.kind !== "gguf" || other?.kind !== "json") throw new Error("expected both kinds");
    const { vocab, merges } = other.tokenizer.model as { vocab: Record<string, number>; merges: string[][] };
    for (const [token, id] of Object.entries(vocab)) expect(one.tokens[id]).toBe(token);
    expect(one.merges).toEqual(merges.map((pair) => (Array.isArray(pair) ? pair.join(" ") : pair)));
    expect(one).toMatchObject({ pre: "lfm2", bosTokenId: 1, eosTokenId: 7, padTokenId: 0, addBosToken: true });
    expect(one.tokenTypes).toHaveLength(one.tokens.length);
    expect(a.chatTemplate).toBe(b.chatTemplate);
    expect(b.generationConfig).toMatchObject({ temperature: 0.2, top_k: 80, repetition_penalty: 1.05 });
    await closeAll(a);
    await closeAll(b);
  });
});

const [one, four] = [1, 4].map((value) => scalar("f32", value));
const yarn = scalar("str", "yarn");
const yarnOf = (more: object) => ({
  ...{ rope_type: "yarn", factor: 4, original_max_position_embeddings: 64, beta_fast: 32, beta_slow: 1 },
  ...more,
});

describe("openCheckpoint of GGUF", () => {
  it("knows GGUF by its first bytes, whatever the name", async () => {
    const folder = folderOf({ "m.safetensors": tinyGguf() });
    expect((await openCheckpoint(folder, "m.safetensors")).container).toBe("GGUF v3");
  });

  it("shows metadata, long lists by their length", async () => {
    const { metadata } = await tiny(tinyMetadata().set("long", strings(Array(65).fill("x"))));
    expect(metadata.get("general.architecture")).toBe("lfm2moe");
    expect(metadata.get("lfm2moe.attention.head_count_kv")).toEqual([0, 1]);
    expect(metadata.get("long")).toBe("65 × str");
  });

  const scaled: [string, Record<string, GgufValue>, unknown][] = [
    ["a factor alone, linearly", { "scaling.factor": scalar("f32", 4) }, { rope_type: "linear", factor: 4 }],
    ["by the older name of a factor", { scale_linear: scalar("f32", 4) }, { rope_type: "linear", factor: 4 }],
    ["by nothing where the factor is 1", { "scaling.type": scalar("str", "linear"), "scaling.factor": one }, undefined],
    ["by nothing where 0 stands for no factor", { "scaling.factor": scalar("f32", 0) }, undefined],
    ["by nothing where the type is none", { "scaling.type": scalar("str", "none"), scale_linear: four }, undefined],
    ["by YaRN from the whole context", { "scaling.type": yarn, "scaling.factor": four }, yarnOf({})],
    [
      "by YaRN with all of its keys",
      {
        "scaling.type": yarn,
        "scaling.factor": four,
        "scaling.original_context_length": scalar("u32", 32),
        "scaling.yarn_attn_factor": scalar("f32", 1.5),
        "scaling.attn_factor": scalar("f32", 2),
        "scaling.yarn_beta_fast": scalar("f32", 16),
        "scaling.yarn_beta_slow": scalar("f32", 2),
        "scaling.yarn_ext_factor": scalar("f32", -1),
        "scaling.finetuned": scalar("bool", true),
      },
      yarnOf({ original_max_position_embeddings: 32, beta_fast: 16, beta_slow: 2, attention_factor: 3 }),
    ],
    [
      "by YaRN with DeepSeek's multiplier",
      { "scaling.type": yarn, "scaling.factor": four, "scaling.yarn_log_multiplier": scalar("f32", 0.5) },
      yarnOf({ attention_factor: (0.1 * Math.log(4) + 1) / (0.05 * Math.log(4) + 1) }),
    ],
  ];
  it.each(scaled)("scales rotation %s", async (_, keys, expected) => {
    const metadata = tinyMetadata();
    for (const [key, value] of Object.entries(keys)) metadata.set(`lfm2moe.rope.${key}`, value);
    expect((await tiny(metadata)).config.rope_parameters).toEqual(expected);
  });

  it("takes sampling settings under the names of generation_config.json", async () => {
    const metadata = tinyMetadata()
      .set("general.sampling.temp", scalar("f32", 0.2))
      .set("general.sampling.top_k", scalar("i32", 80))
      .set("general.sampling.top_p", scalar("f32", 0.95))
      .set("general.sampling.min_p", scalar("f32", 0.15))
      .set("general.sampling.penalty_repeat", scalar("f32", 1.05));
    const expected = { temperature: 0.2, top_k: 80, top_p: 0.95, min_p: 0.15, repetition_penalty: 1.05 };
    expect((await tiny(metadata)).generationConfig).toEqual(expected);
    expect((await tiny(tinyMetadata())).generationConfig).toEqual({});
  });

  it("takes the final norm under either converter's name", async () => {
    const tensors = tinyTensors().map((tensor) =>
      tensor.name === "token_embd_norm.weight" ? { ...tensor, name: "output_norm.weight" } : tensor,
    );
    const named = await tiny(tinyMetadata(), tensors);
    const { tensors: expected } = await tiny(tinyMetadata());
    const norm = "model.embedding_norm.weight";
    expect(named.tensors.get(norm)).toEqual({ ...expected.get(norm), nameInFile: "output_norm.weight" });
    // Ollama's files have both, with the same bytes.
    const other = tinyTensors().find(({ name }) => name === "token_embd_norm.weight");
    const both = await tiny(tinyMetadata(), [
      ...tinyTensors(),
      { ...other, name: "output_norm.weight" } as WrittenTensor,
    ]);
    expect([...both.tensors.keys()]).toEqual([...expected.keys()]);
    expect(both.warnings).toEqual([]);
  });

  it("has an output matrix of its own only where the file does", async () => {
    const tied = await tiny(tinyMetadata());
    expect(tied.config).toMatchObject({ tie_embedding: true, tie_word_embeddings: true });
    const output = { ...tinyTensors()[0], name: "output.weight" };
    const untied = await tiny(tinyMetadata(), [...tinyTensors(), output]);
    expect(untied.config).toMatchObject({ tie_embedding: false, tie_word_embeddings: false });
    expect(untied.tensors.get("lm_head.weight")?.shape).toEqual([4, 32]);
  });

  it("reads the router's settings, and their defaults", async () => {
    expect((await tiny(tinyMetadata())).config).toMatchObject({
      norm_topk_prob: true,
      routed_scaling_factor: 1,
      use_expert_bias: true,
    });
    const stated = tinyMetadata()
      .set("lfm2moe.expert_weights_norm", scalar("bool", false))
      .set("lfm2moe.expert_weights_scale", scalar("f32", 2.5));
    stated.delete("lfm2moe.expert_gating_func");
    const withoutBias = tinyTensors().filter(({ name }) => !name.includes("exp_probs_b"));
    expect((await tiny(stated, withoutBias)).config).toMatchObject({
      norm_topk_prob: false,
      routed_scaling_factor: 2.5,
      use_expert_bias: false,
    });
    const unscaled = tinyMetadata().set("lfm2moe.expert_weights_scale", scalar("f32", 0));
    expect((await tiny(unscaled)).config).toMatchObject({ routed_scaling_factor: 1 });
  });

  it("does without vocabulary and stated vocabulary size", async () => {
    const metadata = tinyMetadata();
    metadata.delete("lfm2moe.vocab_size");
    expect((await tiny(metadata)).config).toMatchObject({ vocab_size: 4 });
    const bare = tinyMetadata();
    for (const key of [...bare.keys()]) if (key.startsWith("tokenizer.")) bare.delete(key);
    expect((await tiny(bare)).tokenizer).toBeUndefined();
  });

  it("closes what it opened when it fails", async () => {
    const open = new Set<ByteSource>();
    const inner = blobFolder("model", [{ name: "m.gguf", blob: new Blob([tinyGguf().slice(0, 1500)]) }]);
    const folder = {
      name: "model",
      async open(fileName: string) {
        const source = await inner.open(fileName);
        if (!source) return undefined;
        const counted: ByteSource = { ...source, close: async () => void open.delete(counted) };
        open.add(counted);
        return counted;
      },
    };
    await expect(openCheckpoint(folder, "m.gguf")).rejects.toThrow("left in the file");
    expect(open.size).toBe(0);
  });

  it("stops when aborted, with the signal's reason", async () => {
    const reason = new Error("stop");
    const folder = folderOf({ "m.gguf": tinyGguf() });
    await expect(openCheckpoint(folder, "m.gguf", AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
