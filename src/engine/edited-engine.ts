// An engine whose operations are edited. It shares the memory and the sequence of the engine that it is made of.
import { type Edit, EditError, expertsToAToken } from "../edits/edit.ts";
import { editedOps } from "../edits/edited-ops.ts";
import { createAnswer, type GenerateOptions } from "./answer.ts";
import { type Engine, extend, type Pace, prefill } from "./engine.ts";
import { createSpeed } from "./step-length.ts";
import type { AnswerRequest } from "./tasks.ts";

/**
 * Steps are shorter: working space was planned for the experts of a true run and no copies.
 * @throws EditError when there is no room for so many experts
 */
export function editedEngine(engine: Engine, edits: readonly Edit[]): Engine {
  if (edits.length === 0) return engine;
  const { model } = engine;
  const { config, memory } = model;
  const most = Math.max(...config.layerTypes.map((_, layer) => expertsToAToken(edits, layer, config.numExpertsPerTok)));
  const share = (most === 0 ? 1 : Math.min(1, config.numExpertsPerTok / most)) / 2;
  const maxStep = Math.floor(engine.maxStep * share);
  if (maxStep < 1) {
    throw new EditError({
      subject: "edits",
      expected: "room for them",
      found: `a context of ${engine.sequence.capacity} positions, which leaves none`,
      remedy: "Open the model with a larger contextLength.",
    });
  }
  const maxLogitRows = Math.min(engine.maxLogitRows, maxStep);
  const ops = editedOps(model.ops, config, edits, memory);
  return {
    ...{ model: { ...model, ops, maxStep }, maxStep, maxLogitRows, speed: createSpeed() },
    get sequence() {
      return engine.sequence;
    },
  };
}

/** An answer in a sequence by itself, id by id: what is written under edits is not shared with others, who have none. */
export async function answerAlone(
  engine: Engine,
  ids: readonly number[],
  options: GenerateOptions,
  pace: Pace,
  { onProgress, onId }: Pick<AnswerRequest, "onProgress" | "onId">,
): Promise<void> {
  const { model, sequence } = engine;
  const begin = performance.now();
  const answer = createAnswer(model.config.vocabSize, ids, options);
  let logits = await prefill(engine, ids, pace, onProgress);
  for (;;) {
    const { id, logprobs } = answer.next(logits);
    onId(id, logprobs, performance.now() - begin, { guessed: 0, accepted: 0 });
    if (answer.isOver || answer.ids.length > sequence.capacity) return;
    logits = await extend(engine, [id], pace);
  }
}
