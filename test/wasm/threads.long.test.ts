// Any number of threads, with every build, in both modes, over several formats: the same bits.
import { afterEach, describe, expect, it } from "vitest";
import { type LanguageModel, open } from "../../src/index.ts";
import { golden } from "../model/run.ts";
import { builds } from "../ops/harness.ts";

const opened: LanguageModel[] = [];
afterEach(() => Promise.all(opened.splice(0).map((model) => model.close())));

async function logitsBits(file: string, options: object, ids: number[]): Promise<Uint32Array> {
  const model = await open(golden(file), options);
  opened.push(model);
  return new Uint32Array((await model.logits(ids)).data.buffer);
}

describe("threads", () => {
  const cases = ["nano/lfm2-nano-Q4_0.gguf", "gguf/Q6_K.gguf", "gguf/Q4_K.gguf", "transformers/moe-wide-heads"];
  it.each(cases)("%s: give the same bits in any number, with every build, in both modes", async (file) => {
    const ids = Array.from({ length: 70 }, (_, i) => 20 + ((i * 29) % 240));
    for (const mode of ["int8", "exact"]) {
      const want = await logitsBits(file, { mode, threads: 1, kernels: builds[0] }, ids);
      for (const kernels of builds) {
        for (const threads of [1, 2, 3]) {
          const have = await logitsBits(file, { mode, threads, kernels }, ids);
          expect(have, `${mode}, ${threads} threads, ${kernels}`).toEqual(want);
        }
      }
    }
  });
});
