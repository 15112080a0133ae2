// Several answers that are computed side by side and handed on one after another.
import type { ChatOptions, Summary } from "../api/language-model.ts";
import type { ChatDelta } from "../chat/answer-parser.ts";
import { choices } from "../chat/choices.ts";
import type { AnswerSink } from "./take-answer.ts";

type Seed = NonNullable<ChatOptions["seed"]>;

export interface ChoiceStart {
  readonly seed: Seed;
  readonly signal: AbortSignal;
  readonly onFinish: (summary: Summary) => void;
}

/** What is done with each answer, in their order, whichever is ready first. */
export interface AnswerPlaces {
  /** @returns where its pieces go */
  begin(index: number): readonly AnswerSink[];
  end(index: number, summary: Summary): void;
}

/**
 * @param start  begins answer `index`, which is drawn with seed + index
 * @throws what the model throws; the signal's reason when aborted
 */
export async function takeAnswers(
  count: number,
  options: { readonly seed: Seed; readonly signal: AbortSignal },
  start: (own: ChoiceStart, index: number) => AsyncIterable<ChatDelta>,
  { begin, end }: AnswerPlaces,
): Promise<void> {
  const summaries = new Map<number, Summary>();
  const held = Array.from({ length: count }, (): ChatDelta[] => []);
  const over = new Set<number>();
  let current = 0;
  let sinks = begin(current);
  const endAll = (): void => {
    for (const sink of sinks) sink.end?.();
  };
  const handOn = (): void => {
    for (;;) {
      for (const delta of held[current].splice(0)) for (const sink of sinks) sink.push(delta);
      if (!over.has(current)) return;
      endAll();
      end(current, summaries.get(current) as Summary);
      sinks = [];
      if (++current === count) return;
      sinks = begin(current);
    }
  };
  /** Its end comes last, as a piece of nothing. */
  const withEnd = async function* (own: Omit<ChoiceStart, "onFinish">, index: number) {
    const onFinish = (summary: Summary): unknown => summaries.set(index, summary);
    yield* start({ ...own, onFinish }, index);
    yield undefined;
  };
  try {
    for await (const { index, piece } of choices(count, options, withEnd)) {
      if (piece === undefined) over.add(index);
      else held[index].push(piece);
      if (index === current) handOn();
    }
  } finally {
    endAll();
  }
}
