// The embedded model under many schemas: whatever it writes, validates.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LanguageModel, open, type Summary } from "../../src/index.ts";
import { samples } from "./random-schemas.ts";
import { validates } from "./validates.ts";

describe("the embedded model under 200 random schemas, at most 512 tokens each", () => {
  const CUT_AT_MOST = 10;
  let model: LanguageModel;
  beforeAll(async () => {
    model = await open();
  });
  afterAll(() => model.close());

  // Four parts, so that one that hangs is seen.
  let cut = 0;
  it.each([0, 1, 2, 3])("writes JSON that validates wherever it ends, part %i", async (part) => {
    for (const [i, { schema }] of fc.sample(samples, { numRuns: 50, seed: 1000 + part }).entries()) {
      let text = "";
      let end: Summary | undefined;
      const options = {
        responseFormat: { type: "json_schema" as const, schema },
        maxTokens: 512,
        seed: i,
        onFinish: (summary: Summary) => {
          end = summary;
        },
      };
      const prompt = "<|im_start|>user\nGive me an example.<|im_end|>\n<|im_start|>assistant\n";
      for await (const piece of model.complete(prompt, options)) text += piece;
      if (end?.finishReason === "length") {
        expect(end.newTokens).toBe(512);
        cut++;
      } else {
        expect([schema, text, validates(schema, text)]).toEqual([schema, text, true]);
      }
    }
  });

  it("ends before that under at least 190 of them", () => {
    expect(cut).toBeLessThanOrEqual(CUT_AT_MOST);
  });
});
