// The variants of files that people have: each command says the same of them, by path, by URL and from a list of Files.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { scalar } from "../../src/formats/gguf/write.ts";
import { type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { locateInNode } from "../../src/index.ts";
import { planMemory } from "../../src/load/plan-memory.ts";
import { readConfig } from "../../src/model/config.ts";
import { findParameters } from "../../src/parameters/find-parameters.ts";
import { settleHead } from "../../src/parameters/tied-head.ts";
import { convertToHf } from "../../src/quantize/convert.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { changed } from "../formats/broken-files.ts";
import { type WrittenTensor, writeGguf } from "../formats/gguf/gguf-writer.ts";
import { closeAll } from "../formats/golden-files.ts";
import { folderOf, tinyGguf, tinyHfTensors, tinyMetadata, tinyTensors } from "../formats/tiny-model.ts";
import { load, logitsOf } from "../model/run.ts";
import { context } from "../ops/harness.ts";

const home = mkdtempSync(join(tmpdir(), "lfm2-verdict-"));
const server = createServer((request, response) => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(home, decodeURIComponent(request.url ?? "")));
  } catch {
    response.writeHead(404).end();
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const end = Math.min(Number(to) + 1, bytes.length);
  response.writeHead(206, { etag: '"1"', "content-range": `bytes ${from}-${end - 1}/${bytes.length}` });
  response.end(bytes.subarray(Number(from), end));
});
let address = "";
let hfConfig: Record<string, unknown> = {};

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { config } = await openCheckpoint(folderOf({ "m.gguf": tinyGguf() }), "m.gguf");
  hfConfig = { ...config };
});
afterAll(() => {
  server.close();
  rmSync(home, { recursive: true });
});

type Files = Record<string, Uint8Array | string>;
type Tensors = Map<string, TensorToWrite>;

interface Variant {
  readonly what: string;
  readonly files: () => Files;
  /** The one to name; a folder has none. */
  readonly file?: string;
  /** Of the error, or of the only warning; undefined where the bits are those of the model unchanged, without a word. */
  readonly says?: RegExp;
  /** Whether it runs, with these words as a warning. */
  readonly warns?: true;
}

const hf = (change: (tensors: Tensors) => void, config: object = {}, files: Files = {}): Files => {
  const tensors = tinyHfTensors();
  change(tensors);
  return {
    "config.json": JSON.stringify({ ...hfConfig, ...config }),
    "model.safetensors": writeSafetensors(tensors),
    ...files,
  };
};
const gguf = (change: (tensors: WrittenTensor[]) => WrittenTensor[]): Files => ({
  "m.gguf": writeGguf(tinyMetadata(), change(tinyTensors())),
});
const same = (): void => {};
const zeros = (dtype: "F32" | "I64", ...shape: number[]): TensorToWrite => {
  const count = shape.reduce((a, b) => a * b, 1);
  return { dtype, shape, data: dtype === "F32" ? new Float32Array(count) : new BigInt64Array(count) };
};
const renamed =
  (rename: (name: string) => string) =>
  (tensors: Tensors): void => {
    const all = [...tensors];
    tensors.clear();
    for (const [name, tensor] of all) tensors.set(rename(name), tensor);
  };
const norm = "model.layers.0.ffn_norm.weight";

const variants: readonly Variant[] = [
  { what: "a folder", files: () => hf(same) },
  { what: "its file", files: () => hf(same), file: "model.safetensors" },
  { what: "a GGUF file", files: () => gguf((all) => all), file: "m.gguf" },
  { what: "a GGUF file of another name", files: () => ({ "sha256-1": tinyGguf() }), file: "sha256-1" },
  { what: "wrapped names", files: () => hf(renamed((name) => `_orig_mod.${name}`)) },
  { what: "names of LFM2-VL's text half", files: () => hf(renamed((name) => `language_model.${name}`)) },
  {
    what: "norms and matrices with axes of 1",
    files: () =>
      hf((tensors) => {
        for (const [name, tensor] of tensors) tensors.set(name, { ...tensor, shape: [...tensor.shape, 1] });
      }),
  },
  {
    what: "both names of the last norm",
    files: () => gguf((all) => [...all, { ...all[1], name: "output_norm.weight" }]),
    file: "m.gguf",
  },
  {
    what: "a head with the embedding's bytes",
    files: () =>
      hf((tensors) => tensors.set("lm_head.weight", tensors.get("model.embed_tokens.weight") as TensorToWrite)),
  },
  {
    what: "an integer tensor",
    files: () => hf((tensors) => tensors.set("model.num_batches_tracked", zeros("I64"))),
    says: /num_batches_tracked: not used \(integers/,
    warns: true,
  },
  {
    what: "an adapter beside it",
    files: () => hf(same, {}, { "adapter_config.json": "{}" }),
    says: /adapter_config\.json: a LoRA adapter, which is not applied/,
    warns: true,
  },
  {
    what: "biases that the config turns off",
    files: () =>
      hf((tensors) => tensors.set("model.layers.1.feed_forward.expert_bias", zeros("F32", 2)), {
        use_expert_bias: false,
      }),
    says: /router biases .* not used, as use_expert_bias is false/,
    warns: true,
  },
  {
    what: "a layer too many",
    files: () => hf((tensors) => tensors.set("model.layers.2.ffn_norm.weight", zeros("F32", 32))),
    says: /layers\.2\.ffn_norm\.weight: expected layers 0 to 1, as the config says, found one of layer 2/,
  },
  {
    what: "attention in a convolution layer",
    files: () => gguf((all) => [...all, { ...all[12], name: "blk.0.attn_q.weight" }]),
    file: "m.gguf",
    says: /blk\.0\.attn_q\.weight: expected the tensors of a short convolution in layer 0, .* found one of attention/,
  },
  {
    what: "an expert too many",
    files: () =>
      hf((tensors) => {
        for (const w of ["w1", "w2", "w3"])
          tensors.set(`model.layers.1.feed_forward.experts.2.${w}.weight`, zeros("F32", 32, 32));
      }),
    says: /experts\.w1: expected shape \[2, 32, 32\], as the config says, found \[3, 32, 32\]/,
  },
  {
    what: "experts in a dense layer",
    files: () => gguf((all) => [...all, { ...all[18], name: "blk.0.ffn_gate_inp.weight" }]),
    file: "m.gguf",
    says: /blk\.0\.ffn_gate_inp\.weight: expected the tensors of a dense feed-forward in layer 0/,
  },
  {
    what: "a missing tensor",
    files: () => hf((tensors) => tensors.delete(norm)),
    says: /layers\.0\.ffn_norm\.weight: expected a tensor of this name, as the config says, found none among 22/,
  },
  {
    what: "a missing GGUF tensor",
    files: () => gguf((all) => all.slice(0, -1)),
    file: "m.gguf",
    says: /^blk\.1\.ffn_down_exps\.weight \(model\.layers\.1\.feed_forward\.experts\.w2\): expected a tensor/,
  },
  {
    what: "taps of another width",
    files: () => hf((tensors) => tensors.set("model.layers.0.conv.conv.weight", zeros("F32", 32, 1, 4))),
    says: /conv\.conv\.weight: expected shape \[32, 1, 3\], as the config says, found \[32, 4\]/,
  },
  {
    what: "an adapter's tensor",
    files: () => hf((tensors) => tensors.set("model.layers.0.conv.in_proj.lora_A.weight", zeros("F32", 8, 32))),
    says: /lora_A\.weight: .* found a part of a LoRA adapter/,
  },
  {
    what: "GPTQ",
    files: () => hf(same, { quantization_config: { quant_method: "gptq" } }),
    says: /found GPTQ weights/,
  },
  {
    what: "an index beside a stray file",
    files: () => hf(same, {}, { "model.safetensors.index.json": '{"weight_map": {"a": "a.safetensors"}}' }),
    says: /expected one set of weights, found model\.safetensors beside/,
  },
  {
    what: "an importance matrix",
    files: () => ({ "m.gguf": changed({ "general.type": scalar("str", "imatrix") }) }),
    file: "m.gguf",
    says: /found an importance matrix/,
  },
];

interface Verdict {
  readonly command: string;
  readonly error?: string;
  readonly logits?: Float32Array;
  readonly warnings?: readonly string[];
}

const commands: Readonly<Record<string, (checkpoint: Checkpoint) => Promise<Partial<Verdict>>>> = {
  async logits(checkpoint) {
    const loaded = await load(checkpoint, { mode: "exact" });
    return { logits: logitsOf(loaded, Int32Array.of(0, 1, 2, 3), 4), warnings: loaded.warnings };
  },
  async inspect(checkpoint) {
    const settled = await settleHead(checkpoint, "sampled");
    planMemory(settled, {}, context.machine);
    return { warnings: [...settled.warnings, ...findParameters(readConfig(settled.config), settled.tensors).warnings] };
  },
  quantize: (checkpoint) => quantize(checkpoint, async () => {}, { type: "F32", name: "m" }),
  convert: (checkpoint) => convertToHf(checkpoint, async (_, write) => write(async () => {}), { format: "F32" }),
};

async function verdicts(variant: Variant, number: number): Promise<Verdict[]> {
  const folder = `v${number}`;
  const files = Object.entries(variant.files());
  mkdirSync(join(home, folder));
  for (const [name, content] of files) writeFileSync(join(home, folder, name), content);
  const path = join(home, folder, variant.file ?? "");
  const chosen = (variant.file?.endsWith(".safetensors") ? undefined : variant.file) ?? "";
  const list = files
    .map(([name, content]) => new File([content as BlobPart], name))
    .filter(({ name }) => name.endsWith(chosen));
  const all: Verdict[] = [];
  for (const source of [path, `${address}/${folder}/${variant.file ?? ""}`, list]) {
    const located = await locateInNode(source);
    for (const [command, run] of Object.entries(commands)) {
      let warnings: readonly string[] = [];
      try {
        const checkpoint = await openCheckpoint(located.folder, located.file);
        warnings = checkpoint.warnings;
        const found = await run(checkpoint).finally(() => closeAll(checkpoint));
        all.push({ command, logits: found.logits, warnings: [...warnings, ...(found.warnings ?? [])].map(plain) });
      } catch (error) {
        all.push({ command, error: plain((error as Error).message) });
      }
    }
  }
  return all;

  /** Without what each source calls the place. */
  function plain(message: string): string {
    const places = [join(home, folder), `${address}/${folder}`, "chosen files"];
    const named = places
      .flatMap((place) => [`${place}/`, place])
      .reduce((text, place) => text.replaceAll(place, "@"), message);
    return named.replace(/@(?=\w)/g, "");
  }
}

describe("the same verdict from every command, by path, by URL and from Files", () => {
  const bits = new Map<boolean, Float32Array>();
  it.each(variants.map((variant, i) => [variant.what, variant, i] as const))("%s", async (_, variant, i) => {
    const all = await verdicts(variant, i);
    expect(all.length).toBe(12);
    const [{ error, warnings }] = all;
    for (const verdict of all) {
      expect([verdict.command, verdict.error, verdict.warnings]).toEqual([verdict.command, error, warnings]);
    }
    if (variant.says !== undefined && variant.warns === undefined) {
      expect(error).toMatch(variant.says);
      return;
    }
    expect(error).toBeUndefined();
    expect(warnings).toEqual(variant.says === undefined ? [] : [expect.stringMatching(variant.says)]);
    const container = "config.json" in variant.files();
    for (const { logits } of all.filter((verdict) => verdict.command === "logits")) {
      const expected = bits.get(container) ?? logits;
      bits.set(container, expected as Float32Array);
      expect(logits?.length).toBe(16);
      if (!/turns off/.test(variant.what)) expect(logits).toEqual(expected);
    }
  });
});
