import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import * as lfm2InNode from "../../src/index.ts";
import { inEveryEngine } from "./every-engine.ts";
import { answer, formatted, logitBits, newIds } from "./tasks.ts";

// A greeting, made with transformers; see golden/nano/README.md.
const [golden] = JSON.parse(readFileSync(new URL("../../golden/nano/golden.json", import.meta.url), "utf8"));
const { ids, greedy_ids: greedyIds }: { ids: number[]; greedy_ids: number[] } = golden;

const greedy = { ids, options: { maxTokens: 16 } };
const seeded = { ids, options: { temperature: 1.5, seed: 20_250_707, maxTokens: 64 } };
const exact = { ids, mode: "exact" } as const;
const int8 = { ids, mode: "int8" } as const;
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
  exact: "",
  formatted: "",
  int8: "",
  chat: [] as { kind: string; text: string }[],
};

beforeAll(async () => {
  inNode.greedy = await newIds(lfm2InNode, greedy);
  inNode.seeded = await newIds(lfm2InNode, seeded);
  inNode.formatted = await formatted(lfm2InNode, tellInJson);
  inNode.exact = await logitBits(lfm2InNode, exact);
  inNode.int8 = await logitBits(lfm2InNode, int8);
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

    it("gives Node's logits in exact mode, bit by bit", async () => {
      expect(await page.run(logitBits, exact)).toBe(inNode.exact);
    });

    it("gives Node's logits in int8 mode, bit by bit", async () => {
      const found = await page.run(logitBits, int8);
      expect(found).toBe(inNode.int8);
      expect(found).not.toBe(inNode.exact);
    });

    it("draws Node's ids from the same seed", async () => {
      expect(await page.run(newIds, seeded)).toEqual(inNode.seeded);
      expect(inNode.seeded.slice(0, 16)).not.toEqual(inNode.greedy);
    });

    it("writes Node's JSON under a schema", async () => {
      expect(await page.run(formatted, tellInJson)).toBe(inNode.formatted);
      expect(JSON.parse(inNode.formatted)).toMatchObject({ code: expect.stringMatching(/^[A-Zé]{2}\d{3}$/) });
    });

    it("tells thinking from text as Node does", async () => {
      expect(await page.run(answer, chat)).toEqual(inNode.chat);
      expect(new Set(inNode.chat.map(({ kind }) => kind))).toEqual(new Set(["thinking", "text"]));
    });
  });
}
