// Weights that are finite, but so large that a run overflows: whoever reads or samples logits is told; a trace shows them.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite, LogitsError } from "../../src/engine/finite-logits.ts";
import { embeddedModel, type LanguageModel, open, type TracePiece } from "../../src/index.ts";
import { closeAll } from "../formats/golden-files.ts";
import { openGolden } from "../quantize/collect.ts";

const ids = [1, 6, 330, 214];
const HELLO = [{ role: "user", content: "Hello!" }] as const;
/** Numbers that a later row might be computed from are looked at as soon as they are there. */
const refusal =
  /^hidden state: expected finite numbers, found \d+ of \d+ infinite or NaN at position 0\. Some of the model's weights are too large: /;

/** The embedded model, its last norm's weights near the largest float32. */
async function overflowing(): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await readFile(embeddedModel));
  const checkpoint = await openGolden("nano", "lfm2-nano-Q4_0.gguf");
  const [{ offset, bytes: length }] = checkpoint.tensors.get("model.embedding_norm.weight")?.parts ?? [];
  await closeAll(checkpoint);
  for (let at = offset; at < offset + length; at += 4) bytes.set(new Uint8Array(Float32Array.of(3e38).buffer), at);
  return bytes;
}

describe.each([{}, { backend: "reference" }] as const)("a model that overflows, %o", (options) => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await open(await overflowing(), { ...options, threads: 1, contextLength: 128 });
  });
  afterAll(() => model.close());

  it("gives no logits, and no token", async () => {
    await expect(model.logits(ids)).rejects.toMatchObject({
      name: "LogitsError",
      message: expect.stringMatching(
        /^logits: expected finite numbers, found \d+ of 2048 infinite or NaN at position 0\. /,
      ),
    });
    const answers = [
      () => model.generate(ids),
      () => model.generate(ids, { temperature: 1, topLogprobs: 2, onToken() {} }),
      ...("backend" in options ? [] : [() => model.chat(HELLO), () => model.complete("Hello")]),
    ];
    for (const [i, answer] of answers.entries()) {
      const drained = (async () => {
        for await (const _ of answer());
      })();
      await expect(drained, `${i}`).rejects.toMatchObject({
        name: "LogitsError",
        message: expect.stringMatching(refusal),
      });
    }
  });

  it("is traced all the same", async () => {
    const pieces: TracePiece[] = [];
    for await (const piece of model.trace(ids, { points: ["model.embedding_norm", "lm_head"] })) pieces.push(piece);
    const numbers = (name: string) => pieces.filter((piece) => piece.name === name).flatMap(({ data }) => [...data]);
    expect(numbers("lm_head").some((logit) => !Number.isFinite(logit))).toBe(true);
  });
});

describe("checkFinite", () => {
  it("names the first row that is not finite, and how many numbers of it", () => {
    const logits = new Float32Array(12);
    checkFinite("logits", logits, 4, 7);
    logits.set([Number.NaN, Number.NEGATIVE_INFINITY], 6);
    logits[8] = Number.NaN;
    expect(() => checkFinite("logits", logits, 4, 7)).toThrow(LogitsError);
    expect(() => checkFinite("logits", logits, 4, 7)).toThrow("found 2 of 4 infinite or NaN at position 8. ");
  });
});
