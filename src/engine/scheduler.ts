// Many sequences in one model. Each step has one row of every sequence that writes an answer, and a piece of at most one
// prompt; all of them share one pass over the weights. No sequence's bits depend on what runs beside it. Where no prompt is
// read, writers may have further rows, of ids that are not known yet: ahead.ts.
//
// Whose prompt is read: the one with the fewest ids left, so that short requests do not wait for long ones; but every
// fourth piece is of the oldest, so that short ones cannot keep it waiting for ever. How much of it: step-parts.ts. A step
// that is longer than others are to wait is given up when a request arrives, and one whose prompt nobody waits for any more
// is given up as well; the next one is then the writers' alone.
//
// Who runs: a request begins when its prompt is the one to be read, there is a sequence free and there are pages for the
// prompt; one for which there are too few holds back those behind it. Sequences grow page by page. When there is no page
// left, the youngest gives its own back and waits; it reads its ids again later, with the same bits. A trace whose caller
// takes nothing gives its place to whoever has none, for the caller may be waiting for just that; it, too, reads again.
import type { LayerState } from "../model/state.ts";
import { PAGE, type Tensor } from "../ops/ops.ts";
import { createAhead } from "./ahead.ts";
import { createAnswer } from "./answer.ts";
import { checkIds, type Engine } from "./engine.ts";
import { type Acceptance, createAcceptances, createStepCosts, plannedReads, type StepCosts } from "./guess-length.ts";
import type { Match } from "./pages.ts";
import { createPlaces } from "./places.ts";
import { advance, type Model, pagesFor } from "./sequence.ts";
import { createSpeed } from "./step-length.ts";
import { type NextRows, stepLogits } from "./step-logits.ts";
import { type Part, planPiece, planWriters } from "./step-parts.ts";
import { takeRows } from "./take-rows.ts";
import {
  type Alone,
  type AloneTask,
  type AnswerRequest,
  type AnswerTask,
  isRunning,
  isSpare,
  isWaiting,
  type Life,
  leftOf,
  type Place,
  type Running,
} from "./tasks.ts";

/** What a scheduler shares out. */
export interface SchedulerParts {
  readonly model: Model;
  /** For each sequence that there may be at once, what its layers remember with. */
  readonly slots: readonly (readonly LayerState[])[];
  readonly pages: number;
  /** Positions of one sequence. */
  readonly contextLength: number;
  readonly maxLogitRows: number;
  /** Lets messages arrive. */
  readonly pause: () => Promise<void>;
  /** Told of what goes on, at first and when it has become something else: before the step that goes on with it. */
  readonly onActivity?: (activity: Activity) => void;
  /** Whether a request has been sent that has not arrived; undefined where that cannot be seen during a step. */
  readonly isAwaited?: () => boolean;
  /** What steps of few rows take; measured, unless told. */
  readonly costs?: StepCosts;
  /** Begins to watch how often an answer's guesses come true; after those of this scheduler, unless told. */
  readonly beginAcceptance?: () => Acceptance;
}

/** What is going on. */
export interface Activity {
  readonly running: number;
  readonly waiting: number;
  /** Positions of keys and values: all there is room for, those of running sequences, those kept for later. */
  readonly positions: number;
  readonly usedPositions: number;
  readonly keptPositions: number;
}

export interface Scheduler {
  /**
   * Resolves when the answer is over: by a stop id, `maxTokens`, or the end of the context.
   * @throws PromptError, LogitsError; what a constraint throws; the signal's reason
   */
  answer(request: AnswerRequest): Promise<void>;
  /** Runs `work` beside the answers, on an empty sequence with room for so many positions. */
  alone<T>(positions: number, life: Life, work: (alone: Alone) => Promise<T>): Promise<T>;
  activity(): Activity;
}

const KEYS = ["running", "waiting", "positions", "usedPositions", "keptPositions"] as const;
/** Each piece of this many is of the oldest prompt. */
const OLDEST_EVERY = 4;

/** Thrown within a step, to give it up. */
const GIVEN_UP = new DOMException("The step was given up.", "AbortError");

export function createScheduler(parts: SchedulerParts): Scheduler {
  const { model, contextLength, isAwaited, beginAcceptance = createAcceptances() } = parts;
  const { config } = model;
  const places = createPlaces(model, parts.slots, parts.pages, contextLength);
  const { pages } = places;
  const speed = createSpeed();
  const costs =
    parts.costs ??
    createStepCosts(
      (rows) => plannedReads(config, rows),
      () => speed.msPerPosition,
    );
  /** In the order of their arrival. */
  const tasks: (AnswerTask | AloneTask)[] = [];
  let arrived = 0;
  let pieces = 0;
  /** The writers' rows were lost with a step that was given up. */
  let isOwed = false;
  let isBusy = false;
  let wake = (): void => {};

  const activity = (): Activity => {
    const running = tasks.filter(({ place }) => place !== undefined).length;
    return {
      running,
      waiting: tasks.length - running,
      positions: pages.count * PAGE,
      usedPositions: pages.used * PAGE,
      keptPositions: pages.kept * PAGE,
    };
  };
  let told: Activity | undefined;
  const tell = (): void => {
    const { onActivity } = parts;
    if (onActivity === undefined) return;
    const now = activity();
    const isSame = told !== undefined && KEYS.every((key) => now[key] === told?.[key]);
    if (isSame) return;
    told = now;
    onActivity(now);
  };

  const end = (task: AnswerTask | AloneTask, isRight: boolean): void => {
    places.leave(task, isRight);
    const at = tasks.indexOf(task);
    if (at >= 0) tasks.splice(at, 1);
    tell();
    wake();
  };
  const fail = (task: AnswerTask | AloneTask, reason: unknown, isRight = false): void => {
    end(task, isRight);
    task.reject(reason);
  };

  const begin = (task: AnswerTask, match: Match): void => {
    if (!places.begin(task, match) || !isRunning(task) || task.begin !== undefined) return;
    task.begin = performance.now();
    task.total = leftOf(task);
  };
  const beginAlone = (task: AloneTask): void => {
    if (!places.begin(task, places.matchOf(task))) return;
    tell();
    if (task.resume !== undefined) {
      task.resume.begin();
      return;
    }
    const engine: Engine = {
      ...{ model, maxStep: model.maxStep, maxLogitRows: parts.maxLogitRows, speed },
      get sequence() {
        return (task.place as Place).sequence;
      },
    };
    const hold = async (caller: Promise<void>): Promise<void> => {
      task.isHeld = true;
      wake();
      await caller; // one that gives up wants no other place
      task.isHeld = false;
      if (task.place !== undefined) return;
      await new Promise<void>((begin, fail) => {
        task.resume = { begin, fail };
        wake();
      });
    };
    void task.work({ engine, isShared: () => tasks.length > 1, hold }).then(
      (settle) => {
        end(task, false);
        settle();
      },
      (reason) => fail(task, reason),
    );
  };

  /** Takes places of those that wait for their callers, the youngest first, until there is room. */
  const takeSpare = (hasRoom: () => boolean): void => {
    for (let spare = tasks.findLast(isSpare); spare !== undefined && !hasRoom(); spare = tasks.findLast(isSpare)) {
      places.leave(spare, false);
    }
  };

  /** A page for the next row of everyone who needs one, the oldest first. */
  const makeRoom = (): void => {
    for (const task of [...tasks]) {
      if (!isRunning(task)) continue;
      const { sequence, lease } = task.place;
      while (task.place !== undefined && pagesFor(sequence.ids.length + 1) > lease.pages.length) {
        if (pages.grow(lease)) continue;
        if (tasks.some(isSpare)) {
          takeSpare(() => pages.available() > 0);
          continue;
        }
        const youngest = tasks.findLast(isRunning) as Running;
        places.leave(youngest, true);
      }
    }
  };

  /** Those that wait and can begin, in the order of their arrival, up to the first that cannot. */
  const beginners = (): [AnswerTask, Match][] => {
    const found: [AnswerTask, Match][] = [];
    for (const task of tasks) {
      if (!isWaiting(task)) continue;
      if (task.kind === "alone") break;
      const match = places.matchOf(task);
      if (!places.canBegin(task, match)) break;
      found.push([task, match]);
    }
    return found;
  };

  /** The prompt that is read next, which may be one that begins with that. */
  const chooseReader = (): Running | undefined => {
    const candidates: { readonly task: AnswerTask; readonly left: number; readonly match?: Match }[] = [
      ...tasks.filter(isRunning).map((task) => ({ task, left: leftOf(task) })),
      ...beginners().map(([task, match]) => ({ task, match, left: task.answer.ids.length - match.length })),
    ];
    // One that runs and has one id left is a writer.
    const readers = candidates.filter(({ match, left }) => match !== undefined || left > 1);
    const isOldest = pieces % OLDEST_EVERY === OLDEST_EVERY - 1;
    const [chosen] = readers.sort((a, b) => (isOldest ? 0 : a.left - b.left) || a.task.number - b.task.number);
    if (chosen?.match !== undefined) begin(chosen.task, chosen.match);
    return chosen !== undefined && isRunning(chosen.task) ? chosen.task : undefined;
  };

  const step = (): void => {
    makeRoom();
    const running = tasks.filter(isRunning);
    const writers = running.filter((task) => leftOf(task) === 1);
    let reader = isOwed && writers.length > 0 ? undefined : chooseReader();
    isOwed = false;
    if (reader !== undefined && leftOf(reader) === 1) {
      // All but the last id of it was known.
      writers.push(reader);
      reader = undefined;
    }
    if (reader !== undefined) pieces++;
    tell();
    for (const [part, rows] of runStep(reader, writers)) takeIds(part, rows);
  };

  /** @returns for everyone whose ids have all been read, what is after the last; nothing where the step was given up */
  const runStep = (reader: Running | undefined, writers: readonly Running[]): Map<Part, NextRows> => {
    const isAlone = tasks.length === 1;
    const mostRows = Math.min(parts.maxLogitRows, model.maxStep);
    const plan =
      reader === undefined
        ? planWriters(writers, model, costs, pages, mostRows, isAlone)
        : planPiece(reader, writers, model, speed, isAlone);
    const stepped = plan.parts;
    if (stepped.length === 0) return new Map();
    const check = (): void => {
      const isLeft = stepped.every(({ task }) => task.isGivenUp?.()) || reader?.isGivenUp?.();
      if (isLeft || (plan.isLong && isAwaited?.())) throw GIVEN_UP;
    };
    const begun = performance.now();
    try {
      const h = advance(
        model,
        stepped.map(({ task, ids }) => ({ sequence: task.place.sequence, ids })),
        { check },
      );
      const { rows, isWhole } = read(h, stepped);
      const ms = performance.now() - begun;
      if (plan.most !== undefined) speed.measured(h.rows, plan.most, ms);
      else if (isWhole) costs.add(h.rows, ms);
      return rows;
    } catch (error) {
      if (error === GIVEN_UP) isOwed = true;
      else for (const { task } of stepped) fail(task, error);
      return new Map();
    }
  };

  /** For everyone whose ids have all been read, what is after the last. @returns also whether all logits were computed */
  const read = (h: Tensor, stepped: readonly Part[]): { rows: Map<Part, NextRows>; isWhole: boolean } => {
    const { found, wrong, isWhole } = stepLogits(model, h, stepped);
    for (const { task } of stepped) {
      const { request, answer } = task;
      const done = task.total - Math.max(0, leftOf(task));
      // Once the answer has begun, or when it is read again, it is no progress.
      if (wrong.has(task) || answer.ids.length !== request.ids.length || done <= 0) continue;
      try {
        request.onProgress?.(done, task.total);
      } catch (error) {
        wrong.set(task, error);
      }
    }
    for (const [task, error] of wrong) fail(task, error);
    return { rows: new Map([...found].filter(([{ task }]) => !wrong.has(task))), isWhole };
  };

  const takeIds = (part: Part, rows: NextRows): void => {
    const { task } = part;
    const { answer, request, ahead, begin = 0 } = task;
    const isFirst = answer.ids.length === request.ids.length;
    const failure = takeRows(model, part, rows, (id, logprobs) => {
      const { guessed, accepted } = ahead;
      request.onId(id, logprobs, performance.now() - begin, { guessed, accepted });
    });
    if (failure !== undefined) {
      fail(task, failure.error, failure.isRight);
      return;
    }
    if (isFirst) pages.share(task.place.lease, request.ids);
    if (!answer.isOver && answer.ids.length <= contextLength) return;
    end(task, true);
    task.resolve();
  };

  const run = async (): Promise<void> => {
    isBusy = true;
    while (tasks.length > 0) {
      await parts.pause();
      for (const task of [...tasks]) {
        if (!task.signal.aborted) continue;
        const hasBegun = task.kind === "alone" && (task.place !== undefined || task.isHeld);
        if (hasBegun) continue; // it hears of it by itself
        if (task.kind === "alone") task.resume?.fail(task.signal.reason);
        fail(task, task.signal.reason, true);
      }
      const next = tasks.find(isWaiting);
      if (next !== undefined) takeSpare(() => places.canBegin(next, places.matchOf(next)));
      if (next?.kind === "alone" && places.canBegin(next, places.matchOf(next))) beginAlone(next);
      const before = tasks.length;
      const canStep = tasks.some((task) => isRunning(task) || (task.kind === "answer" && task === next));
      if (canStep) step();
      // Those that run by themselves have all the room: whoever ends says so.
      const isStuck = !tasks.some(isRunning) && tasks.length === before && tasks.some((task) => !isWaiting(task));
      if (isStuck) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = () => {};
      }
    }
    isBusy = false;
  };

  const enter = (task: AnswerTask | AloneTask): void => {
    tasks.push(task);
    task.signal.addEventListener("abort", () => wake(), { once: true });
    wake();
    if (isBusy) return;
    run().catch((error) => {
      isBusy = false;
      for (const left of [...tasks]) fail(left, error);
    });
  };

  tell();
  return {
    answer(request) {
      return new Promise((resolve, reject) => {
        checkIds(request.ids, config.vocabSize, contextLength);
        const { ids, signal, isGivenUp } = request;
        const answer = createAnswer(config.vocabSize, ids, request.options);
        const ahead = createAhead(answer, request.options, beginAcceptance());
        const number = arrived++;
        enter({ kind: "answer", number, signal, isGivenUp, answer, ahead, request, resolve, reject, total: 0 });
      });
    },
    alone<T>(positions: number, { signal, isGivenUp }: Life, work: (alone: Alone) => Promise<T>) {
      return new Promise<T>((resolve, reject) => {
        if (positions > contextLength)
          throw new RangeError(`expected at most ${contextLength} positions, found ${positions}`);
        const ended = async (alone: Alone): Promise<() => void> => {
          const result = await work(alone);
          return () => resolve(result);
        };
        enter({ kind: "alone", number: arrived++, signal, isGivenUp, positions, work: ended, reject, isHeld: false });
      });
    },
    activity,
  };
}
