import { describe, expect, it } from "vitest";
import { type EvalPlan, EvaluationError } from "../../../src/oracle/eval/eval-plan.ts";
import { type EvaluatedModel, evaluate, type WindowScores } from "../../../src/oracle/eval/evaluate.ts";

const VOCAB = 3;

/** A model that gives the same `rows` for every window, in pieces of `step`, and keeps the ids it was run over. */
function scripted(rows: readonly (readonly number[])[], step = 1) {
  const asked: number[][] = [];
  const model: EvaluatedModel = {
    config: { vocabSize: VOCAB },
    async *trace(ids, { points, positions } = {}) {
      expect([points, positions?.from]).toEqual([["lm_head"], 4]);
      asked.push([...ids]);
      for (let at = 0; at < rows.length; at += step) {
        const piece = rows.slice(at, at + step);
        yield { name: "lm_head", position: 4 + at, rows: piece.length, data: Float32Array.from(piece.flat()) };
      }
    },
  };
  return { model, asked };
}

const plan: EvalPlan = { ids: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0], window: 8, windows: 2, bosId: 2 };

async function all(scores: AsyncGenerator<WindowScores>): Promise<WindowScores[]> {
  const found: WindowScores[] = [];
  for await (const one of scores) found.push(one);
  return found;
}

const model = [
  [4, 1, 2],
  [1, 2, 3],
  [0, 0, 0],
];
const base = [
  [1, 2, 3],
  [1, 2, 3],
  [5, 5, 5],
];

describe("a window's scores", () => {
  it("are −log p of the text's own next tokens, after ids that begin with BOS", async () => {
    const { model: run, asked } = scripted(model);
    const [first, second] = await all(evaluate(run, plan));
    expect(asked).toEqual([
      [2, 1, 2, 0, 1, 2, 0],
      [2, 0, 1, 2, 0, 1, 2],
    ]);
    // numpy: −log softmax of the rows, at tokens 2, 0, 1 and at 1, 2, 0
    const expected = [
      [2.169846, 2.407606, 1.098612],
      [3.169846, 0.407606, 1.098612],
    ];
    expect([first.window, second.window]).toEqual([0, 1]);
    for (const [w, { nll }] of [first, second].entries()) {
      expect(nll.length).toBe(3);
      for (const [i, value] of nll.entries()) expect(value).toBeCloseTo(expected[w][i], 6);
    }
  });

  it("against a base hold KL(base ‖ model), whatever pieces the logits come in", async () => {
    const against = async (stepA: number, stepB: number) =>
      all(evaluate(scripted(model, stepA).model, plan, { against: scripted(base, stepB).model }));
    const [{ base: found }] = await against(1, 1);
    // numpy: Σ p · log(p / q), p and q the softmax of [1, 2, 3] and [4, 1, 2]; the other way round it would be 1.6129
    expect(found?.kl[0]).toBeCloseTo(1.4021177624, 8);
    expect(found?.kl.slice(1)).toEqual([0, 0]);
    expect(found?.sameTop).toEqual([0, 1, 1]);
    expect(found?.nll[0]).toBeCloseTo(0.407606, 6);
    expect(await against(2, 3)).toEqual(await against(1, 1));
    const alone = await all(evaluate(scripted(model).model, plan));
    expect((await against(1, 1)).map(({ nll }) => nll)).toEqual(alone.map(({ nll }) => nll));
  });

  it("of a model against itself are those without a base", async () => {
    const alone = await all(evaluate(scripted(model).model, plan));
    const both = await all(evaluate(scripted(model).model, plan, { against: scripted(model).model }));
    expect(both.map(({ nll }) => nll)).toEqual(alone.map(({ nll }) => nll));
    expect(both.map((one) => one.base?.nll)).toEqual(alone.map(({ nll }) => nll));
  });

  it("are made for a shard's windows only, without those that are known", async () => {
    const windows = async (options: Parameters<typeof evaluate>[2]) =>
      (await all(evaluate(scripted(model).model, plan, options))).map(({ window }) => window);
    expect(await windows({ shard: { index: 2, count: 2 } })).toEqual([1]);
    expect(await windows({ done: new Set([0]) })).toEqual([1]);
  });

  it("are refused where logits are not finite, rows are missing, or vocabularies differ", async () => {
    const run = (rows: number[][], against?: EvaluatedModel) => all(evaluate(scripted(rows).model, plan, { against }));
    const broken = [model[0], [1, Number.NaN, 3], model[2]];
    await expect(run(broken)).rejects.toThrow(
      "model: expected finite logits, found a token of probability 0 or NaN in window 0, position 5.",
    );
    await expect(run(model, scripted(broken).model)).rejects.toThrow("against: expected finite logits");
    // Nothing that was asked for is at fault, as it is with vocabularies that differ.
    await expect(run(broken)).rejects.not.toThrow(EvaluationError);
    await expect(run(model.slice(1))).rejects.toThrow("model: expected 3 rows of logits, found 2.");
    const other = { ...scripted(base).model, config: { vocabSize: 5 } };
    await expect(run(model, other)).rejects.toThrow("against: expected a model of the same vocabulary, found 5 and 3");
  });
});
