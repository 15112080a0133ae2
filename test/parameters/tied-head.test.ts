// A head that is stored although the config ties it. Right logits: golden/transformers/dense-stored-head, by transformers.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Checkpoint, StoredTensor } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { open as openModel } from "../../src/index.ts";
import { loadModel } from "../../src/load/load.ts";
import { readConfig } from "../../src/model/config.ts";
import { settleHead } from "../../src/parameters/tied-head.ts";
import { convertToHf } from "../../src/quantize/convert.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { blobSource } from "../../src/sources/blob.ts";
import type { ByteSource } from "../../src/sources/source.ts";
import { closeAll, goldenFolder } from "../formats/golden-files.ts";
import { folderOf } from "../formats/tiny-model.ts";
import { load, logitsOf, open } from "../model/run.ts";
import { context } from "../ops/harness.ts";
import { openBytes, written } from "../quantize/collect.ts";

const IDS = Int32Array.of(8, 9, 30, 31, 32);
const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";
const USED = /^lm_head\.weight: used, as in transformers, although the config ties the head/;

const stored = () => open("transformers/dense-stored-head");
const logits = async (checkpoint: Checkpoint) => logitsOf(await load(checkpoint, { mode: "exact" }), IDS, 5);

/** The same checkpoint, but for a head whose bytes are the embedding's. */
async function copied(): Promise<Checkpoint> {
  const checkpoint = await stored();
  const [file] = checkpoint.files;
  const bytes = await file.read(0, file.size);
  await file.close();
  const [from, to] = [EMBEDDING, HEAD].map((name) => (checkpoint.tensors.get(name) as StoredTensor).parts[0]);
  bytes.copyWithin(to.offset, from.offset, from.offset + from.bytes);
  return { ...checkpoint, files: [blobSource("model.safetensors", bytes)] };
}

/** A checkpoint whose bytes seem to come over a network, and how often the most read of them was read. */
function remote(checkpoint: Checkpoint): { checkpoint: Checkpoint; reads: Uint8Array } {
  const [file] = checkpoint.files;
  const reads = new Uint8Array(file.size);
  const source: ByteSource = {
    ...file,
    descriptor: { kind: "url", url: "https://example.org/model.safetensors" } as ByteSource["descriptor"],
    read(offset, length, signal) {
      for (let i = 0; i < length; i++) reads[offset + i]++;
      return file.read(offset, length, signal);
    },
  };
  return { checkpoint: { ...checkpoint, files: [source] }, reads };
}

describe("a head beside a config that ties it", () => {
  it("is used where it differs, and told of", async () => {
    const checkpoint = await stored();
    const { config, warnings, tensors } = await settleHead(checkpoint, "sampled");
    expect(readConfig(config).tieWordEmbeddings).toBe(false);
    expect(tensors.has(HEAD)).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(USED)]);
    expect((await load(checkpoint, {})).warnings).toEqual(warnings);
  });

  it("is in the config of an opened model", async () => {
    const model = await openModel(join(goldenFolder, "transformers/dense-stored-head"), { contextLength: 8 });
    expect(model.config.tieWordEmbeddings).toBe(false);
    expect(model.warnings.filter((warning) => USED.test(warning))).toHaveLength(1);
    await model.close();
  });

  it("stays in converted files, which then do not tie, and give the same bits", async () => {
    const expected = await logits(await stored());
    const checkpoint = await stored();
    const gguf = await openBytes(await written((sink) => quantize(checkpoint, sink, { type: "F32", name: "m" })));
    const files: Record<string, Uint8Array<ArrayBuffer>> = {};
    const { warnings } = await convertToHf(
      checkpoint,
      async (name, write) => {
        files[name] = await written(write);
      },
      { format: "BF16" },
    );
    await closeAll(checkpoint);
    expect(warnings).toEqual([expect.stringMatching(USED)]);
    const folder = await openCheckpoint(folderOf(files), undefined);
    expect(folder.config).toMatchObject({ tie_embedding: false, tie_word_embeddings: false });
    expect(await logits(gguf)).toEqual(expected);
    expect(await logits(folder)).toEqual(expected);
  });

  it("is one copy where its bytes are the embedding's, without a word", async () => {
    const checkpoint = await copied();
    const { tensors, config } = await settleHead(checkpoint, "sampled");
    expect([tensors.has(HEAD), config]).toEqual([false, checkpoint.config]);
    const { model, warnings } = await load(checkpoint, {});
    expect(model.weights.lmHead).toBe(model.weights.embedTokens);
    expect(warnings).toEqual([]);
  });

  it("may be all there is: then it is the embedding", async () => {
    const checkpoint = await copied();
    const tensors = new Map(checkpoint.tensors);
    tensors.delete(EMBEDDING);
    const { model } = await load({ ...checkpoint, tensors }, {});
    expect(model.weights.lmHead).toBe(model.weights.embedTokens);
  });

  it("is read once over a network, whether it differs or not", async () => {
    for (const make of [stored, copied]) {
      const opened = await make();
      const { checkpoint, reads } = remote(opened);
      await loadModel(checkpoint, {}, context);
      await closeAll(opened);
      for (const name of [EMBEDDING, HEAD]) {
        const { offset, bytes } = (opened.tensors.get(name) as StoredTensor).parts[0];
        expect(Math.max(...reads.subarray(offset, offset + bytes))).toBe(1);
      }
    }
  });
});
