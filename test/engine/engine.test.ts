// The engine: what is run, what is reused, when generation ends.
import { describe, expect, it } from "vitest";
import { checkIds, type Engine, eachLogits, type Pace, PromptError, prefill } from "../../src/engine/engine.ts";
import { createEngine } from "../../src/load/load.ts";
import { MAX_STEP } from "../../src/load/room.ts";
import type { Logprobs } from "../../src/sampling/logprobs.ts";
import { load, open } from "../model/run.ts";
import { generate } from "./one-answer.ts";

const HELLO = [1, 6, 330, 214, 55, 746, 94, 16, 7, 214, 6, 335, 214];
/** The ids of `<think>` and `</think>`. */
const THINK = 14;
const CLOSE = 15;
const patient: Pace = { pause: async () => {}, check: undefined };

async function counted(maxStep = MAX_STEP): Promise<Engine & { steps: number[] }> {
  const checkpoint = await open("nano", "lfm2-nano-Q4_0.gguf");
  const engine = createEngine(await load(checkpoint, { mode: "exact", contextLength: 256 }));
  const { model } = engine;
  const steps: number[] = [];
  const ops: typeof model.ops = Object.create(model.ops);
  ops.embed = (ids, w) => {
    steps.push(ids.length);
    return model.ops.embed(ids, w);
  };
  return { ...engine, model: { ...model, ops }, maxStep, steps };
}

const total = (steps: readonly number[]) => steps.reduce((sum, step) => sum + step, 0);

describe("prefill", () => {
  it("continues a sequence that the ids extend, with the bits of a fresh run", async () => {
    const fresh = await counted();
    const want = await prefill(fresh, HELLO, patient);
    const resumed = await counted();
    await prefill(resumed, HELLO.slice(0, 7), patient);
    resumed.steps.length = 0;
    expect(await prefill(resumed, HELLO, patient)).toEqual(want);
    expect(total(resumed.steps)).toBe(6);
  });

  it("goes back when the ids differ anywhere, or are no longer than what it holds", async () => {
    const fresh = await counted();
    const want = await prefill(fresh, HELLO, patient);
    const used = await counted();
    await prefill(used, [1, 6, 331, 214], patient);
    expect(await prefill(used, HELLO, patient)).toEqual(want);
    used.steps.length = 0;
    expect(await prefill(used, HELLO, patient)).toEqual(want);
    expect(total(used.steps)).toBe(HELLO.length);
  });

  it("reports its progress, ending with the whole", async () => {
    const seen: [number, number][] = [];
    await prefill(await counted(4), HELLO, patient, (done, all) => seen.push([done, all]));
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual([13, 13]);
  });

  it("can be given up at a pause and at a layer, and goes on from there as if nothing had happened", async () => {
    const want = await prefill(await counted(), HELLO, patient);
    for (const at of ["pause", "layer"] as const) {
      const stopped = await counted(8);
      let calls = 0;
      const giveUp = (): void => {
        if (++calls === (at === "pause" ? 2 : 40)) throw new DOMException("given up", "AbortError");
      };
      const pace: Pace =
        at === "pause" ? { pause: async () => giveUp(), check: undefined } : { pause: async () => {}, check: giveUp };
      await expect(prefill(stopped, HELLO, pace)).rejects.toThrow("given up");
      expect(stopped.sequence.ids).toEqual(HELLO.slice(0, 7)); // the first of two even steps
      expect(await prefill(stopped, HELLO, patient)).toEqual(want);
    }
  });
});

describe("steps", () => {
  it("are as long as the caller's patience once the speed is known, and never longer than they may be", async () => {
    const engine = await counted();
    const ids = Array.from({ length: 200 }, (_, i) => 20 + i);
    await prefill(engine, ids, patient);
    expect(engine.steps[0]).toBeLessThanOrEqual(16);
    // At a millisecond a position, 150 ms are 150 positions: two even steps of 100.
    for (const [ms, first] of [
      [1, 100],
      [10, 15],
      [1000, 1],
      [0.001, 200],
    ]) {
      engine.steps.length = 0;
      engine.speed.msPerPosition = ms;
      await prefill(engine, [1, ...ids.slice(0, 199)], patient);
      await prefill(engine, ids, patient);
      expect(engine.steps[0]).toBe(first);
    }
  });
});

describe("eachLogits", () => {
  it("begins anew, whatever the sequence held", async () => {
    const rows = async (used: Engine): Promise<number[]> => {
      const all: number[] = [];
      await eachLogits(used, HELLO.slice(0, 5), patient, (logits) => all.push(...logits));
      return all;
    };
    const used = await counted();
    const first = await rows(used);
    await prefill(used, [1, 6, 331], patient);
    expect(await rows(used)).toEqual(first);
    expect(used.sequence.ids).toEqual(HELLO.slice(0, 5));
  });

  it("gives a row to every id, the last one equal to prefill's", async () => {
    const want = await prefill(await counted(), HELLO, patient);
    const rows: number[] = [];
    const same = await counted();
    await eachLogits(same, HELLO, patient, (logits) => rows.push(...logits));
    const { vocabSize } = same.model.config;
    expect(rows.length).toBe(HELLO.length * vocabSize);
    expect(Float32Array.from(rows.slice(-vocabSize))).toEqual(want);
  });
});

describe("generate", () => {
  const options = { sampling: { temperature: 0 }, maxTokens: 100, stopIds: [7] };
  it("ends with a stop id, after maxTokens, and at the end of the context", async () => {
    const answer = await generate(await counted(), HELLO, options);
    expect(answer.length).toBe(22);
    expect(answer.at(-1)).toBe(7);
    expect(await generate(await counted(), HELLO, { ...options, maxTokens: 5 })).toEqual(answer.slice(0, 5));
    const endless = await generate(await counted(), HELLO, { ...options, maxTokens: 1e9, stopIds: [] });
    // 256 positions hold the prompt and all new ids but the last, which nothing has to follow.
    expect(endless.length).toBe(256 - HELLO.length + 1);
  });

  it("holds the penalty against every id of the prompt and of the answer", async () => {
    // A penalty this high forbids what it meets: nothing of the prompt returns, and nothing is said twice.
    const sampling = { temperature: 0, repetitionPenalty: 100 };
    const answer = await generate(await counted(), HELLO, { sampling, maxTokens: 30, stopIds: [] });
    expect(answer.length).toBe(30);
    expect(new Set([...answer, ...HELLO]).size).toBe(30 + new Set(HELLO).size);
  });

  it("takes only what a constraint allows, and tells it what was taken", async () => {
    const vocabSize = 2048;
    const mask = new Uint32Array(vocabSize / 32);
    const taken: number[] = [];
    const constraint = {
      allowed() {
        if (taken.length === 2) return undefined;
        mask.fill(0);
        mask[(100 + taken.length) >>> 5] = 1 << (100 + taken.length);
        return mask;
      },
      accept: (id: number) => taken.push(id),
    };
    const answer = await generate(await counted(), HELLO, { ...options, maxTokens: 4, stopIds: [103], constraint });
    expect(answer.slice(0, 2)).toEqual([100, 101]);
    expect(answer.slice(3)).toEqual([103]);
    expect(taken).toEqual(answer);
  });

  it("closes a thought after any number of ids, and goes on as from a prompt that says so", async () => {
    const [open, close] = [THINK, CLOSE];
    const free = await generate(await counted(), HELLO, options);
    expect(free[0]).toBe(THINK);
    const length = free.indexOf(CLOSE) - 1;
    expect(length).toBeGreaterThan(3);
    for (let tokens = 0; tokens <= length + 1; tokens++) {
      const thinking = { tokens, open, close, isOpen: false };
      const answer = await generate(await counted(), HELLO, { ...options, thinking });
      const cut = [...free.slice(0, 1 + Math.min(tokens, length)), close];
      expect(answer.slice(0, cut.length)).toEqual(cut);
      // What follows is what the model says to the cut thought, up to where it would close it yet again.
      const said = await generate(await counted(), [...HELLO, ...cut], options);
      const again = said.indexOf(CLOSE);
      const rest = answer.slice(cut.length);
      if (again < 0 || tokens > length) expect(rest).toEqual(said);
      else {
        const mayClose = again < tokens;
        expect(rest.slice(0, again + Number(mayClose))).toEqual(said.slice(0, again + Number(mayClose)));
        expect(rest.filter((id) => id === CLOSE)).toHaveLength(Number(mayClose));
      }
      // The same when the prompt has opened the thought.
      const opened = await generate(await counted(), [...HELLO, open], {
        ...options,
        thinking: { ...thinking, isOpen: true },
      });
      expect(opened).toEqual(answer.slice(1));
    }
  });

  it("closes a thought no earlier than a constraint allows", async () => {
    const all = new Uint32Array(2048 / 32).fill(0xffffffff);
    const notClose = all.slice();
    notClose[0] &= ~(1 << CLOSE);
    let taken = 0;
    const constraint = { allowed: () => (taken < 4 ? notClose : all), accept: () => taken++ };
    const thinking = { tokens: 1, open: THINK, close: CLOSE, isOpen: false };
    const answer = await generate(await counted(), HELLO, { ...options, constraint, thinking, maxTokens: 6 });
    expect(answer.indexOf(CLOSE)).toBe(4);
    expect(taken).toBe(6);
  });

  it("uses up no random number for an id that it forces", async () => {
    const sampling = { temperature: 1.5, seed: 21 };
    const thinking = { tokens: 0, open: THINK, close: CLOSE, isOpen: true };
    const forced = await generate(await counted(), [...HELLO, THINK], { ...options, sampling, thinking });
    const prompt = [...HELLO, THINK, CLOSE];
    expect(forced).toEqual([CLOSE, ...(await generate(await counted(), prompt, { ...options, sampling }))]);
  });

  it("tells the log-softmax of the logits that each id was drawn from, sampled or forced", async () => {
    const told: Logprobs[] = [];
    const thinking = { tokens: 2, open: THINK, close: CLOSE, isOpen: false };
    const sampling = { temperature: 1.2, seed: 3, repetitionPenalty: 1.3, logitBias: { 40: 3 } };
    const answer = await generate(await counted(), HELLO, {
      sampling,
      thinking,
      maxTokens: 8,
      stopIds: [],
      topLogprobs: 5,
      onLogprobs: (l) => told.push(l),
    });
    expect(told.map(({ id }) => id)).toEqual(answer);
    const rows: Float32Array[] = [];
    const again = await counted();
    const { vocabSize } = again.model.config;
    await eachLogits(again, [...HELLO, ...answer], patient, (logits) => {
      for (let at = 0; at < logits.length; at += vocabSize) rows.push(logits.slice(at, at + vocabSize));
    });
    told.forEach(({ id, logprob, top }, i) => {
      const row = rows[HELLO.length - 1 + i];
      const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const expected = Array.from(row, (logit) => logit - Math.log(total));
      expect(logprob).toBeCloseTo(expected[id], 9);
      const best = expected.map((_, id) => id).sort((a, b) => expected[b] - expected[a]);
      expect(top.map(({ id }) => id)).toEqual(best.slice(0, 5));
      for (const { id, logprob } of top) expect(logprob).toBeCloseTo(expected[id], 9);
    });
  });

  it("holds frequency and presence penalties against what was sampled, not against the prompt", async () => {
    const first = async (penalties: object): Promise<number[]> => {
      const ids: number[] = [];
      const used = await counted();
      for (let seed = 0; seed < 20; seed++) {
        const sampling = { temperature: 3, seed, ...penalties };
        ids.push(...(await generate(used, HELLO, { sampling, maxTokens: 1, stopIds: [] })));
      }
      return ids;
    };
    expect(await first({ frequencyPenalty: 2, presencePenalty: 2 })).toEqual(await first({}));
    const sampling = { temperature: 0, frequencyPenalty: 2, presencePenalty: 2, logitBias: { 40: 30 } };
    const answer = await generate(await counted(), HELLO, { ...options, sampling, stopIds: [] });
    // With the bias it comes first, and each time by 2 less likely, until others are.
    expect(answer.indexOf(40)).toBe(0);
    expect(answer.filter((id) => id === 40).length).toBeLessThan(20);
  });

  it("runs each new id once", async () => {
    const engine = await counted();
    await generate(engine, HELLO, options);
    expect(total(engine.steps)).toBe(HELLO.length + 21);
  });

  it("repeats with a seed, and differs without", async () => {
    const sampling = { temperature: 1.5, seed: 11 };
    const once = await generate(await counted(), HELLO, { ...options, sampling });
    const again = await generate(await counted(), HELLO, { ...options, sampling });
    const other = await generate(await counted(), HELLO, { ...options, sampling: { temperature: 1.5, seed: 12 } });
    expect(again).toEqual(once);
    expect(other).not.toEqual(once);
  });
});

describe("checkIds", () => {
  const refused: [string, number[], string][] = [
    ["no ids", [], "prompt: expected at least one token id, found none."],
    ["too many ids", [1, 2, 3, 4], "prompt: expected at most 3 token ids (the context planned at load), found 4."],
    ["an id past the vocabulary", [1, 10], "prompt: expected token ids in [0, 10), found 10 at index 1."],
    ["a negative id", [-1], "prompt: expected token ids in [0, 10), found -1 at index 0."],
    ["a fraction", [1.5], "prompt: expected token ids in [0, 10), found 1.5 at index 0."],
    ["no number", [Number.NaN], "prompt: expected token ids in [0, 10), found NaN at index 0."],
  ];
  it.each(refused)("refuses %s", (_, ids, message) => {
    expect(() => checkIds(ids, 10, 3)).toThrow(message);
    expect(() => checkIds(ids, 10, 3)).toThrow(PromptError);
  });
});
