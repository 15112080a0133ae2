// The ids that a step has given to a sequence: one after another, until one is not what was guessed.
import type { Logprobs } from "../sampling/logprobs.ts";
import { type Model, takeBack } from "./sequence.ts";
import type { NextRows } from "./step-logits.ts";
import type { Part } from "./step-parts.ts";

/** What ended an answer early. */
export interface Failure {
  readonly error: unknown;
  /** Whether what its sequence has read may be gone on from. */
  readonly isRight: boolean;
}

/** The sequence has then read the ids that were taken, but the last. */
export function takeRows(
  model: Model,
  { task, draft, ahead: rowsAhead }: Part,
  rows: NextRows,
  onId: (id: number, logprobs: Logprobs | undefined) => void,
): Failure | undefined {
  const { answer, ahead, place } = task;
  ahead.guessed += rowsAhead;
  let [at, isRight] = [0, false];
  try {
    for (; ; at++) {
      isRight = false;
      const logits = rows.at(at);
      isRight = true;
      const known = draft.ids[at];
      const { id, logprobs } = logits === undefined ? answer.nextIs(known) : answer.next(logits);
      if (at >= draft.certain && at < draft.ids.length) ahead.acceptance.add(id === known);
      const isAccepted = id === known && at < rowsAhead;
      if (isAccepted) ahead.accepted++;
      onId(id, logprobs);
      if (answer.isOver || !isAccepted) return undefined;
    }
  } catch (error) {
    return { error, isRight };
  } finally {
    takeBack(model, place.sequence, rows.count - 1 - at);
  }
}
