// Steps as schedulers make them, right and wrong: what is not a step is refused, and one that fails leaves no trace.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prefill } from "../../src/engine/engine.ts";
import { advance, type Chunk, restart, rewind, type Sequence, takeBack } from "../../src/engine/sequence.ts";
import { createEngine, type LoadedModel, loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { observed } from "../../src/oracle/trace/observed.ts";
import { context } from "../ops/harness.ts";
import { randomModel, shapeX } from "../oracle/random-model.ts";

async function loadSmall(options: ModelOptions, sequences: number): Promise<LoadedModel> {
  return loadModel(await randomModel(shapeX, 4), options, { ...context, sequenceCount: sequences });
}

/** The bits of every row, one chunk's after another's. */
function rowsOf({ model }: LoadedModel, chunks: readonly Chunk[]): string[] {
  const h = advance(model, chunks);
  const numbers = model.memory.read(h);
  return Array.from({ length: h.rows }, (_, t) => `${numbers.subarray(t * h.cols, (t + 1) * h.cols)}`);
}

const count = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);

describe("a step", () => {
  it.each([{ mode: "exact" }, { mode: "int8", quantize: "Q8_0" }] as const)(
    "has room for as many rows as all contexts together, %o",
    async (options) => {
      const loaded = await loadSmall({ ...options, contextLength: 16 }, 3);
      const alone = await loadSmall({ ...options, contextLength: 16 }, 1);
      const prompts = [0, 1, 2].map((s) => count(3 + s, 16));
      const together = rowsOf(
        loaded,
        prompts.map((ids, s) => ({ sequence: loaded.sequences[s], ids })),
      );
      const expected = prompts.flatMap((ids) => {
        restart(alone.model, alone.sequences[0]);
        return rowsOf(alone, [{ sequence: alone.sequences[0], ids }]);
      });
      expect(together).toEqual(expected);
    },
  );

  it("is refused where it is none, and changes nothing", async () => {
    const { model, sequences } = await loadSmall({ contextLength: 300 }, 3);
    const [a, b, c] = sequences;
    const refusals: readonly [readonly Chunk[], string][] = [
      [[], "step: expected at least one sequence, found none."],
      [
        [
          { sequence: a, ids: [1] },
          { sequence: b, ids: [1] },
          { sequence: a, ids: [2] },
        ],
        "step: expected sequences that differ, found one twice. Join its ids into one chunk.",
      ],
      [
        [a, b, c].map((sequence) => ({ sequence, ids: count(3, 200).map((id) => id % 64) })),
        "step: expected at most 512 rows, found 600. Spread them over several steps.",
      ],
      [[{ sequence: a, ids: new Int32Array(301) }], "sequence: expected at most 300 positions, found 301."],
    ];
    for (const [chunks, message] of refusals) expect(() => advance(model, chunks)).toThrow(message);
    expect(sequences.map(({ ids, next }) => [ids, next])).toEqual([0, 1, 2].map(() => [[], 0]));
  });

  it("may be given a sequence's own ids", async () => {
    const { model, sequences } = await loadSmall({ contextLength: 16 }, 1);
    const [sequence] = sequences;
    advance(model, [{ sequence, ids: [3, 4] }]);
    advance(model, [{ sequence, ids: sequence.ids }]);
    expect(sequence.ids).toEqual([3, 4, 3, 4]);
  });

  it.each([{ mode: "exact" }, { mode: "int8", quantize: "Q8_0", kvType: "int8" }] as const)(
    "leaves its sequences as they were, wherever it fails, %o",
    async (options) => {
      const loaded = await loadSmall({ ...options, contextLength: 32 }, 3);
      const { model, sequences } = loaded;
      const [replayed, going, fresh] = sequences;
      const prompt = count(3, 16);
      const prepare = (): void => {
        for (const sequence of sequences) restart(model, sequence);
        advance(model, [
          { sequence: replayed, ids: prompt },
          { sequence: going, ids: [20, 21] },
        ]);
        rewind(model, replayed, 14);
      };
      const chunksOf = (): Chunk[] => [
        { sequence: going, ids: [30] },
        { sequence: replayed, ids: [...prompt.slice(replayed.next, 14), 40, 41] },
        { sequence: fresh, ids: [50, 51, 52] },
      ];
      prepare();
      const expected = rowsOf(loaded, chunksOf());
      let failAt = 0;
      for (let hasFailed = true; hasFailed; failAt++) {
        prepare();
        const chunks = chunksOf();
        const before = JSON.stringify(sequences.map(({ ids, next }) => [ids, next]));
        let calls = 0;
        const failing = (): void => {
          if (calls++ === failAt) throw new Error("on purpose");
        };
        const watched = watchedBy(failing, model.ops);
        hasFailed = false;
        try {
          advance({ ...model, ops: watched }, chunks, { check: failing, settle: failing });
        } catch (error) {
          expect((error as Error).message).toBe("on purpose");
          hasFailed = true;
          expect(JSON.stringify(sequences.map(({ ids, next }) => [ids, next]))).toBe(before);
          expect(rowsOf(loaded, chunks)).toEqual(expected);
        }
      }
      expect(failAt).toBeGreaterThan(100);
    },
  );
});

it("that fails leaves nothing to an observer of the next", async () => {
  const { model, sequences } = await loadSmall({ contextLength: 16 }, 1);
  const [sequence] = sequences;
  const seen: number[] = [];
  const { ops, settle } = observed(model.ops, { result: (_, result) => seen.push(result.rows) });
  let layers = 0;
  const check = (): void => {
    if (++layers === 2) throw new Error("given up");
  };
  const watched = { ...model, ops };
  expect(() => advance(watched, [{ sequence, ids: [3, 4, 5] }], { check })).toThrow("given up");
  advance(watched, [{ sequence, ids: [3] }], { settle });
  expect(seen.length).toBeGreaterThan(20);
  expect(new Set(seen)).toEqual(new Set([1, 2])); // one row, and of experts one to each of two choices
});

/** `before` is called before and after every operation. */
function watchedBy<T extends object>(before: () => void, target: T): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        before();
        const result: unknown = value.apply(target, args);
        before();
        return result;
      };
    },
  });
}

describe("rows that are taken back", () => {
  it.each([{ mode: "exact" }, { mode: "int8", quantize: "Q8_0" }, { backend: "reference" }] as const)(
    "leave what was remembered before them, to the bit, %o",
    async (options) => {
      const loaded = await loadSmall({ ...options, contextLength: 32 }, 1);
      const { model, sequences } = loaded;
      const [sequence] = sequences;
      const rest = [40, 41, 42];
      for (let kept = 0; kept <= 5; kept++) {
        restart(model, sequence);
        advance(model, [{ sequence, ids: [...count(3, 4 + kept)] }]);
        const expected = rowsOf(loaded, [{ sequence, ids: rest }]);
        for (const step of [5, 6, 12]) {
          restart(model, sequence);
          advance(model, [{ sequence, ids: count(3, 4) }]);
          advance(model, [{ sequence, ids: [...count(7, kept), ...Array(step - kept).fill(60)] }]);
          takeBack(model, sequence, 0);
          takeBack(model, sequence, Math.min(1, step - kept));
          takeBack(model, sequence, step - kept - Math.min(1, step - kept));
          expect(sequence.ids).toEqual(count(3, 4 + kept));
          expect(rowsOf(loaded, [{ sequence, ids: rest }])).toEqual(expected);
        }
      }
    },
  );

  it("are those that the last step added, and no others", async () => {
    const { model, sequences } = await loadSmall({ contextLength: 64 }, 1);
    const [sequence] = sequences;
    const refuse = (rows: number, most: number) =>
      expect(() => takeBack(model, sequence, rows)).toThrow(
        `takeBack: expected a number of rows in [0, ${most}], found ${rows}.`,
      );
    refuse(1, 0);
    advance(model, [{ sequence, ids: count(3, 40) }]);
    for (const rows of [16, -1, 0.5, Number.NaN]) refuse(rows, 15);
    takeBack(model, sequence, 10);
    refuse(6, 5);
    rewind(model, sequence, 20);
    refuse(1, 0);
    const again = sequence.ids.slice(sequence.next);
    advance(model, [{ sequence, ids: [...again, 3, 4] }]);
    refuse(3, 2);
    restart(model, sequence);
    refuse(1, 0);
  });
});

describe("a rewind", () => {
  it("goes back within what was read, and no further", async () => {
    const { model, sequences } = await loadSmall({ contextLength: 16 }, 1);
    const [sequence] = sequences;
    advance(model, [{ sequence, ids: [3, 4] }]);
    for (const to of [-1, 3, 1.5, Number.NaN]) {
      expect(() => rewind(model, sequence, to)).toThrow(`rewind: expected a position in [0, 2], found ${to}.`);
    }
  });

  it("is followed by the ids that were there", async () => {
    const { model, sequences } = await loadSmall({ contextLength: 32 }, 1);
    const [sequence] = sequences;
    advance(model, [{ sequence, ids: count(3, 16) }]);
    rewind(model, sequence, 12);
    const { next } = sequence;
    expect(next).toBeLessThan(12);
    expect(() => advance(model, [{ sequence, ids: [60] }])).toThrow(
      `sequence: expected id ${next + 3} at position ${next}, as read before, found 60. Rewind to ${next} first.`,
    );
  });

  it("gives the bits of being alone, whatever else shares the steps", async () => {
    for (const options of [{ mode: "exact" }, { mode: "int8", quantize: "Q8_0" }] as const) {
      const [loaded, other] = await Promise.all([3, 1].map((n) => loadSmall({ ...options, contextLength: 24 }, n)));
      const known = new Map<string, string[]>();
      const alone = (ids: readonly number[]): string[] => {
        const key = ids.join();
        const [sequence] = other.sequences;
        restart(other.model, sequence);
        const rows = known.get(key) ?? rowsOf(other, [{ sequence, ids }]);
        known.set(key, rows);
        return rows;
      };
      const turn = fc.oneof(
        fc.record({ sequence: fc.nat(2), back: fc.nat(23) }),
        fc.record({ sequence: fc.nat(2), taken: fc.nat(9) }),
        fc.record({ lengths: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), id: fc.nat(3) }),
      );
      fc.assert(
        fc.property(fc.array(turn, { minLength: 4, maxLength: 12 }), (turns) => {
          const { model, sequences } = loaded;
          for (const sequence of sequences) restart(model, sequence);
          for (const one of turns) {
            if ("back" in one) {
              const sequence = sequences[one.sequence];
              rewind(model, sequence, Math.max(0, sequence.ids.length - one.back));
              continue;
            }
            if ("taken" in one) {
              const sequence = sequences[one.sequence];
              takeBack(model, sequence, Math.min(one.taken, sequence.recent));
              continue;
            }
            const chunks = sequences.map((sequence, s) => chunkOf(sequence, one.lengths[s], one.id + s));
            const starts = sequences.map(({ next, ids }) => ({ next, held: ids.length }));
            const rows = rowsOf(loaded, chunks);
            let row = 0;
            for (const [s, { ids }] of chunks.entries()) {
              const expected = alone(sequences[s].ids);
              for (let t = 0; t < ids.length; t++, row++) {
                const position = starts[s].next + t;
                // Rows of a replay are none of a fresh run.
                if (position >= starts[s].held) expect(rows[row]).toBe(expected[position]);
              }
            }
          }
        }),
        { numRuns: 25 },
      );
    }
  });
});

/** What a replay asks for, then others; as many as there is room for. */
function chunkOf(sequence: Sequence, length: number, id: number): Chunk {
  const { ids, next, capacity } = sequence;
  const rows = Math.min(length, capacity - next);
  return { sequence, ids: Array.from({ length: rows }, (_, i) => ids[next + i] ?? 2 + ((id + i) % 5)) };
}

describe("an overflow at an early position", () => {
  it.each([{}, { kvType: "f32" }, { kvType: "int8" }, { backend: "reference" }] as const)(
    "is told, though the last row's logits may be finite, %o",
    async (options) => {
      const checkpoint = await randomModel({ ...shapeX, tie_word_embeddings: false }, 4);
      const loaded = await loadModel(checkpoint, { contextLength: 64, ...options }, context);
      const { weights } = loaded.backend;
      const write = (path: string, row: number, number: number): void => {
        const placed = weights.get(path);
        placed?.write(row * placed.weight.cols * 4, new Uint8Array(Float32Array.of(number).buffer));
      };
      const { vocabSize, hiddenSize } = loaded.model.config;
      // Id 7 alone meets the weights that are too large.
      for (let id = 0; id < vocabSize; id++) write("model.embed_tokens", id, id === 7 ? 1 : 0);
      for (let row = 0; row < 3 * hiddenSize; row++) write("model.layers.0.conv.in_proj", row, 1e25);
      const pace = { pause: async () => {}, check: undefined };
      const engine = createEngine(loaded);
      for (const again of [20, 25]) {
        await expect(prefill(engine, [7, ...count(8, again)], pace)).rejects.toMatchObject({
          name: "LogitsError",
          message: expect.stringContaining("infinite or NaN at position 0."),
        });
      }
    },
  );
});
