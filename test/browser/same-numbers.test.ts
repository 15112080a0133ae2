import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import * as lfm2InNode from "../../src/index.ts";
import { expectedBits } from "../../src/oracle/same-bits.ts";
import { inEveryEngine } from "./every-engine.ts";
import { answer, bits, formatted, newIds, traced } from "./tasks.ts";

// A greeting, made with transformers; see golden/nano/README.md.
const [golden] = JSON.parse(readFileSync(new URL("../../golden/nano/golden.json", import.meta.url), "utf8"));
const { ids, greedy_ids: greedyIds }: { ids: number[]; greedy_ids: number[] } = golden;

const greedy = { ids, options: { maxTokens: 16 } };
const seeded = { ids, options: { temperature: 1.5, seed: 20_250_707, maxTokens: 64 } };
const trace = { ids, points: ["model.layers.{1,2,9}.**", "lm_head"] };
const chat = { question: "How many experts does LFM2 have?", options: { temperature: 0, maxTokens: 64 } };

const tellInJson = {
  prompt: "<|im_start|>user\nGive me an example.<|im_end|>\n<|im_start|>assistant\n",
  responseFormat: {
    type: "json_schema",
    schema: {
      type: "object",
      properties: {
        name: { type: "string", maxLength: 30 },
        größe: { type: "number", minimum: 0.5, maximum: 2 },
        code: { type: "string", pattern: "^[A-Zé]{2}\\d{3}$" },
      },
      required: ["name", "größe", "code"],
    },
  },
  options: { temperature: 1, seed: 5, maxTokens: 200 },
} as const;

const inNode = {
  greedy: [] as number[],
  seeded: [] as number[],
  trace: { names: [] as string[], sha256: "" },
  formatted: "",
  chat: [] as Record<string, string>[],
};

beforeAll(async () => {
  inNode.greedy = await newIds(lfm2InNode, greedy);
  inNode.seeded = await newIds(lfm2InNode, seeded);
  inNode.trace = await traced(lfm2InNode, trace);
  inNode.formatted = await formatted(lfm2InNode, tellInJson);
  inNode.chat = await answer(lfm2InNode, chat);
});

for (const isolated of [false, true]) {
  inEveryEngine({ isolated }, (page) => {
    it(isolated ? "may share memory with its workers" : "may not share memory with its workers", async () => {
      const found = await page.run(async () => [crossOriginIsolated, typeof SharedArrayBuffer !== "undefined"], null);
      expect(found).toEqual([isolated, isolated]);
    });

    it("continues a prompt with the 16 greedy ids of Node and of transformers", async () => {
      const found = await page.run(newIds, greedy);
      expect(found).toEqual(inNode.greedy);
      expect(found).toEqual(greedyIds.slice(0, 16));
    });

    it("runs a relaxed build where its engine is known to have it, and nowhere else", async () => {
      const found = await page.run(async (lfm2) => {
        const expected = /Chrome|Firefox/.test(navigator.userAgent);
        const model = await lfm2.open();
        const { kernels } = model.settings;
        await model.close();
        return [expected, kernels !== "baseline"];
      }, null);
      expect(found[1]).toBe(found[0]);
    });

    // The same hashes as on every Node: test/oracle/same-bits.test.ts.
    for (const mode of ["exact", "int8"] as const) {
      it(`has the expected bits of ${mode} logits, in every build that the engine runs, at every number of threads`, async () => {
        const builds = await page.run(async (lfm2) => {
          const model = await lfm2.open();
          const { kernels } = model.settings;
          await model.close();
          if (kernels === "baseline") return ["baseline"] as const;
          // The one of pairs is right in every engine, the other where it is chosen.
          return ["baseline", "relaxed-pairs", ...(kernels === "relaxed" ? (["relaxed"] as const) : [])] as const;
        }, null);
        for (const kernels of builds) {
          for (const threads of isolated ? [1, 2] : [1]) {
            const found = await page.run(bits, { mode, kernels, threads });
            expect(found, `${kernels}, ${threads} threads`).toBe(expectedBits[mode]);
          }
        }
      });
    }

    it("draws Node's ids from the same seed", async () => {
      expect(await page.run(newIds, seeded)).toEqual(inNode.seeded);
      expect(inNode.seeded.slice(0, 16)).not.toEqual(inNode.greedy);
    });

    it("traces what Node traces, bit by bit", async () => {
      const found = await page.run(traced, trace);
      expect(found).toEqual(inNode.trace);
      expect(found.names).toContain("model.layers.9.feed_forward.gate.margin");
    });

    it("writes Node's JSON under a schema", async () => {
      expect(await page.run(formatted, tellInJson)).toBe(inNode.formatted);
      expect(JSON.parse(inNode.formatted)).toMatchObject({ code: expect.stringMatching(/^[A-Zé]{2}\d{3}$/) });
    });

    it("tells thinking from text as Node does", async () => {
      expect(await page.run(answer, chat)).toEqual(inNode.chat);
      expect(new Set(inNode.chat.flatMap(Object.keys))).toEqual(new Set(["reasoning_content", "content"]));
    });
  });
}
