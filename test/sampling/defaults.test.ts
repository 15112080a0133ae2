import { describe, expect, it } from "vitest";
import { recommendedSampling } from "../../src/sampling/defaults.ts";
import { PLAIN_SAMPLING } from "../../src/sampling/options.ts";

const lfm2 = { generationConfig: {}, vocabSize: 65_536, bosId: 1 };
const lfm25 = { generationConfig: {}, vocabSize: 128_000, bosId: 124_894 };

describe("recommendedSampling", () => {
  it("is the makers' table when the files state nothing but ids", () => {
    const ids = { generationConfig: { bos_token_id: 1, eos_token_id: 7, top_p: null } };
    expect(recommendedSampling({ ...lfm2, ...ids })).toEqual({
      sampling: { ...PLAIN_SAMPLING, temperature: 0.3, topK: 0, topP: 1, minP: 0.15, repetitionPenalty: 1.05 },
      origin: "table: LFM2",
      maxNewTokens: undefined,
      maxNewTokensOrigin: undefined,
    });
    expect(recommendedSampling(lfm25)).toEqual({
      sampling: { ...PLAIN_SAMPLING, temperature: 0.2, topK: 80, topP: 1, minP: 0, repetitionPenalty: 1.05 },
      origin: "table: LFM2.5",
      maxNewTokens: 8192,
      maxNewTokensOrigin: "table: LFM2.5",
    });
  });

  it("knows a small LFM2.5, which keeps LFM2's tokenizer, by its name, and the embedded model by its size", () => {
    expect(recommendedSampling({ ...lfm2, name: "LFM2.5 1.2B Instruct" }).origin).toBe("table: LFM2.5");
    expect(recommendedSampling({ ...lfm2, vocabSize: 2048 }).origin).toBe("table: lfm2-nano");
  });

  it("takes what the files state as a whole, the rest off", () => {
    const generationConfig = { temperature: 0.5, top_k: 10, max_new_tokens: 77 };
    expect(recommendedSampling({ ...lfm2, generationConfig })).toEqual({
      sampling: { ...PLAIN_SAMPLING, temperature: 0.5, topK: 10, topP: 1, minP: 0, repetitionPenalty: 1 },
      origin: "generation_config.json",
      maxNewTokens: 77,
      maxNewTokensOrigin: "generation_config.json",
    });
  });

  it("reads do_sample: false as greedy", () => {
    expect(recommendedSampling({ ...lfm2, generationConfig: { do_sample: false } }).sampling.temperature).toBe(0);
  });

  it("refuses a stated value out of range", () => {
    expect(() => recommendedSampling({ ...lfm2, generationConfig: { top_p: 7 } })).toThrow(/topP: expected.*found 7/);
  });
});
