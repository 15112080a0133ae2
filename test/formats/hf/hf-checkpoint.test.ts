import { describe, expect, it } from "vitest";
import type { StoredTokenizer } from "../../../src/formats/checkpoint.ts";
import { type TensorToWrite, writeSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../../src/formats/tokenizer-source.ts";
import { floatsOf } from "../golden-files.ts";
import { folderOf, hfFolder, tinyConfig, tinyHfTensors, tinyShapes } from "../tiny-model.ts";

const EXPERTS = "model.layers.1.feed_forward.experts";
const AGAIN = "Take another copy of the model.";

const f32 = (shape: number[], from = 0): TensorToWrite => ({
  dtype: "F32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => from + i),
});

/** The tiny model's tensors with some replaced, added, or (undefined) left out. */
function tensorsWith(changes: Record<string, TensorToWrite | undefined>): Map<string, TensorToWrite> {
  const tensors = tinyHfTensors();
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor) tensors.set(name, tensor);
    else tensors.delete(name);
  }
  return tensors;
}

describe("a Hugging Face checkpoint", () => {
  it("has the names and shapes the graph asks for: experts stacked, taps squeezed", async () => {
    const { tensors } = await openCheckpoint(hfFolder(), undefined);
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(new Map([...shapes].sort())).toEqual(new Map([...tinyShapes].sort()));
    for (const [name, tensor] of tensors) expect(tensor.name).toBe(name);
  });

  it("stacks experts in the order of their numbers, wherever they lie", async () => {
    const tensors = new Map<string, TensorToWrite>();
    for (const e of [10, 2, 0, 1, 3, 9, 8, 7, 6, 5, 4]) {
      tensors.set(`${EXPERTS}.${e}.w1.weight`, f32([2, 3], 100 * e));
    }
    const checkpoint = await openCheckpoint(hfFolder(tensors), undefined);
    expect(checkpoint.tensors.get(`${EXPERTS}.w1`)?.shape).toEqual([11, 2, 3]);
    const floats = await floatsOf(checkpoint, `${EXPERTS}.w1`);
    for (let e = 0; e < 11; e++) {
      expect([...floats.slice(6 * e, 6 * e + 6)]).toEqual([0, 1, 2, 3, 4, 5].map((i) => 100 * e + i));
    }
  });

  it.each(["", ".weight"])(
    "may hold experts fused as transformers 5 has them in memory, as …proj%s",
    async (ending) => {
      const separate = await openCheckpoint(hfFolder(), undefined);
      const fused = tinyHfTensors();
      for (const name of [...fused.keys()]) if (name.startsWith(EXPERTS)) fused.delete(name);
      const [w1, w2, w3] = await Promise.all(["w1", "w2", "w3"].map((w) => floatsOf(separate, `${EXPERTS}.${w}`)));
      const size = w1.length / 2;
      const gateUp = [0, 1].flatMap((e) => [
        ...w1.slice(e * size, (e + 1) * size),
        ...w3.slice(e * size, (e + 1) * size),
      ]);
      // w1's rows of an expert, then w3's.
      fused.set(`${EXPERTS}.gate_up_proj${ending}`, {
        dtype: "F32",
        shape: [2, 64, 32],
        data: Float32Array.from(gateUp),
      });
      fused.set(`${EXPERTS}.down_proj${ending}`, { dtype: "F32", shape: [2, 32, 32], data: w2 });
      const checkpoint = await openCheckpoint(hfFolder(fused), undefined);
      expect([...checkpoint.tensors.keys()].sort()).toEqual([...separate.tensors.keys()].sort());
      for (const [w, floats] of Object.entries({ w1, w2, w3 })) {
        expect(checkpoint.tensors.get(`${EXPERTS}.${w}`)?.shape).toEqual([2, 32, 32]);
        expect(await floatsOf(checkpoint, `${EXPERTS}.${w}`)).toEqual(floats);
      }
    },
  );

  it("opens from its safetensors file too, with config.json beside it", async () => {
    const byName = await openCheckpoint(hfFolder(), "model.safetensors");
    expect(byName.tensors).toEqual((await openCheckpoint(hfFolder(), undefined)).tensors);
  });

  it("takes the tokenizer, template and generation settings that lie beside it", async () => {
    const files = {
      "tokenizer.json": '{"model": {}}',
      "tokenizer_config.json": '{"chat_template": "old", "add_bos_token": true}',
      "generation_config.json": '{"temperature": 0.2, "eos_token_id": [7, 2]}',
    };
    const without = await openCheckpoint(hfFolder(tinyHfTensors(), files), undefined);
    expect(without.tokenizer).toEqual({
      kind: "json",
      tokenizer: new TextEncoder().encode('{"model": {}}'),
      config: { chat_template: "old", add_bos_token: true },
      endIds: [7, 2],
    });
    expect(without.chatTemplate).toBe("old");
    expect(without.generationConfig).toEqual({ temperature: 0.2, eos_token_id: [7, 2] });
    const withFile = await openCheckpoint(
      hfFolder(tinyHfTensors(), { ...files, "chat_template.jinja": "new" }),
      undefined,
    );
    expect(withFile.chatTemplate).toBe("new");
    const named = { "tokenizer_config.json": '{"chat_template": [{"name": "default", "template": "by name"}]}' };
    expect((await openCheckpoint(hfFolder(tinyHfTensors(), named), undefined)).chatTemplate).toBe("by name");
  });

  it("takes templates by name, unless a file stands in their place", async () => {
    const list = JSON.stringify([
      { name: "default", template: "d" },
      { name: "tool_use", template: "t" },
    ]);
    const named = { "tokenizer_config.json": `{"chat_template": ${list}}` };
    const open = (files: Record<string, string>) => openCheckpoint(hfFolder(tinyHfTensors(), files), undefined);
    const { chatTemplate, namedTemplates } = await open(named);
    expect([chatTemplate, namedTemplates]).toEqual(["d", new Map([["tool_use", "t"]])]);
    const file = await open({ ...named, "chat_template.jinja": "file" });
    expect([file.chatTemplate, file.namedTemplates]).toEqual(["file", undefined]);
  });

  it("reads the tokenizer only when text is asked for", async () => {
    const { tokenizer } = await openCheckpoint(hfFolder(tinyHfTensors(), { "tokenizer.json": "[]" }), undefined);
    expect(() => readTokenizer(tokenizer as StoredTokenizer)).toThrow(
      expect.objectContaining({
        name: "FormatError",
        message: "tokenizer.json: expected a JSON object, found []. The file is damaged or cut short; fetch it again.",
      }),
    );
  });

  it("does without them", async () => {
    const { tokenizer, chatTemplate, generationConfig } = await openCheckpoint(hfFolder(), undefined);
    expect([tokenizer, chatTemplate, generationConfig]).toEqual([undefined, undefined, {}]);
  });

  const expert = (e: number, w: string) => `${EXPERTS}.${e}.${w}.weight`;
  const wrong: [string, Map<string, TensorToWrite>, string][] = [
    [
      "a missing expert",
      tensorsWith({ [expert(0, "w1")]: undefined }),
      `model.safetensors, ${EXPERTS}.w1: expected experts 0 to 1, found none numbered 0. Fetch all of the files.`,
    ],
    [
      "a gap in the experts' numbers",
      tensorsWith({ [expert(3, "w2")]: { dtype: "BF16", shape: [32, 32], data: new Uint16Array(1024) } }),
      `model.safetensors, ${EXPERTS}.w2: expected experts 0 to 3, found none numbered 2. Fetch all of the files.`,
    ],
    [
      "experts of different shapes",
      tensorsWith({ [expert(1, "w1")]: { ...f32([16, 32]), dtype: "F32" }, [expert(0, "w1")]: f32([32, 32]) }),
      `model.safetensors, ${EXPERTS}.w1: expected every expert [rows, cols] like the first, [32, 32], ` +
        `found expert 1 [16, 32]. ${AGAIN}`,
    ],
    [
      "experts both apart and fused",
      tensorsWith({ [`${EXPERTS}.gate_up_proj`]: f32([2, 64, 32]) }),
      `model.safetensors, ${EXPERTS}.w1: expected one tensor for ${EXPERTS}.w1, found ${EXPERTS}.gate_up_proj, too. ${AGAIN}`,
    ],
    [
      "a fused matrix of an odd number of rows",
      tensorsWith({ [`${EXPERTS}.gate_up_proj`]: f32([2, 3, 32]) }),
      `model.safetensors, ${EXPERTS}.gate_up_proj: expected an even number of rows, w1's and w3's, found 3. ${AGAIN}`,
    ],
    [
      "a fused matrix without an axis of experts",
      tensorsWith({ [`${EXPERTS}.down_proj`]: f32([64, 32]) }),
      `model.safetensors, ${EXPERTS}.down_proj: expected [experts, rows, cols], found [64, 32]. ${AGAIN}`,
    ],
    [
      "weights of a type that is none",
      tensorsWith({ "model.embedding_norm.weight": { dtype: "I8", shape: [32], data: new Int8Array(32) } }),
      "model.safetensors, model.embedding_norm.weight: expected weights in F32, F16 or BF16, found I8. " +
        "Take the model unquantized, or as GGUF.",
    ],
    [
      "an empty weight",
      tensorsWith({ "model.embedding_norm.weight": f32([0]) }),
      `model.safetensors, model.embedding_norm.weight: expected dimensions of at least 1, found [0]. ${AGAIN}`,
    ],
  ];
  for (const [what, tensors, message] of wrong) {
    it(`is refused for ${what}`, async () => {
      await expect(openCheckpoint(hfFolder(tensors), undefined)).rejects.toMatchObject({
        name: "FormatError",
        message,
      });
    });
  }
});

describe("a folder", () => {
  const config = JSON.stringify(tinyConfig);
  const weights = writeSafetensors(tinyHfTensors());
  const wrong: [string, Parameters<typeof folderOf>[0], string | undefined, string][] = [
    [
      "without config.json",
      { "model.safetensors": weights },
      undefined,
      "model: expected config.json, found no such file. " +
        "Name a GGUF file, or a folder with config.json and weights.",
    ],
    [
      "without weights",
      { "config.json": config },
      undefined,
      "model: expected model.safetensors or model.safetensors.index.json, found neither. " +
        "Fetch the model's weights into this folder.",
    ],
    [
      "of another family",
      { "config.json": '{"model_type": "llama"}' },
      undefined,
      'model, config.json: expected model_type "lfm2_moe" or "lfm2", found "llama". ' +
        "This project runs the LFM2 family only; open one of its models.",
    ],
    [
      "with a config that is cut",
      { "config.json": '{"model_type": "lfm2' },
      undefined,
      "config.json: expected JSON, found text that is not JSON. The file is damaged or cut short; fetch it again.",
    ],
    [
      "without the file named",
      {},
      "m.gguf",
      'model: expected a file named "m.gguf", found no such file. Check the name.',
    ],
    [
      "with a file of another kind",
      { "m.bin": "pickle" },
      "m.bin",
      "m.bin: expected a GGUF or safetensors file, found neither. Name a model's .gguf or .safetensors file.",
    ],
    [
      "with a config of numbers without end",
      { "config.json": `{"model_type":[${"1,".repeat(1 << 16)}1]}` },
      undefined,
      "config.json: expected JSON of at most 32768 values, found more. The file is damaged or cut short; fetch it again.",
    ],
    [
      "with a config of many megabytes",
      { "config.json": " ".repeat(5e6) },
      undefined,
      "config.json: expected at most 4194304 bytes, found 5000000. Name a file that belongs to a model.",
    ],
    [
      "with a template of many megabytes",
      { "config.json": config, "model.safetensors": weights, "chat_template.jinja": " ".repeat(2e6) },
      undefined,
      "chat_template.jinja: expected at most 1048576 bytes, found 2000000. Name a file that belongs to a model.",
    ],
  ];
  for (const [what, files, fileName, message] of wrong) {
    it(`${what} is refused`, async () => {
      await expect(openCheckpoint(folderOf(files), fileName)).rejects.toMatchObject({ name: "FormatError", message });
    });
  }
});
