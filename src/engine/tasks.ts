// What a scheduler has been asked for, and what each of these runs with.
import type { LayerState } from "../model/state.ts";
import type { Logprobs } from "../sampling/logprobs.ts";
import type { Ahead, GuessCounts } from "./ahead.ts";
import type { Answer, GenerateOptions } from "./answer.ts";
import type { Engine } from "./engine.ts";
import type { Lease } from "./pages.ts";
import type { Sequence } from "./sequence.ts";

/** How a request is given up. */
export interface Life {
  readonly signal: AbortSignal;
  /** The same, as it is seen during a step; undefined where it is not. */
  readonly isGivenUp?: () => boolean;
}

export interface AnswerRequest extends Life {
  readonly ids: readonly number[];
  readonly options: GenerateOptions;
  /** Told of the ids of the prompt that had to be run; `total` of them, the others were known. */
  readonly onProgress?: (done: number, total: number) => void;
  /** @param ms  since its turn came */
  readonly onId: (id: number, logprobs: Logprobs | undefined, ms: number, guesses: GuessCounts) => void;
}

interface Task extends Life {
  readonly number: number;
  readonly reject: (reason: unknown) => void;
  /** Absent while it waits. */
  place?: Place;
}

export interface AnswerTask extends Task {
  readonly kind: "answer";
  readonly answer: Answer;
  readonly ahead: Ahead;
  readonly request: AnswerRequest;
  readonly resolve: () => void;
  /** When it ran first, and how many ids it had to run then. */
  begin?: number;
  total: number;
}

export interface AloneTask extends Task {
  readonly kind: "alone";
  readonly positions: number;
  /** @returns what tells the caller of its result */
  readonly work: (alone: Alone) => Promise<() => void>;
  /** It waits for its caller, and may have lost its place meanwhile. */
  isHeld: boolean;
  /** It has begun and lost its place, and is to be given another one; or it is over. */
  resume?: { readonly begin: () => void; readonly fail: (reason: unknown) => void };
}

/** What work that runs by itself is given. */
export interface Alone {
  /** Its sequence is another one, and empty, once its place was given to others. */
  readonly engine: Engine;
  /** Whether others wait for their turns meanwhile. */
  readonly isShared: () => boolean;
  /** Waits for the caller. If somebody has no room meanwhile, the place is given away, and then another one is waited for. */
  readonly hold: (caller: Promise<void>) => Promise<void>;
}

export interface Place {
  readonly slot: readonly LayerState[];
  readonly sequence: Sequence;
  readonly lease: Lease;
}

export type Running = AnswerTask & { readonly place: Place };

/** Whether it wants a place. */
export function isWaiting(task: AnswerTask | AloneTask): boolean {
  return task.place === undefined && !(task.kind === "alone" && task.isHeld);
}

/** Whether others may have its place. */
export function isSpare(task: AnswerTask | AloneTask): task is AloneTask {
  return task.kind === "alone" && task.isHeld && task.place !== undefined;
}

export function isRunning(task: AnswerTask | AloneTask): task is Running {
  return task.kind === "answer" && task.place !== undefined;
}

/** How many of its ids have not been read; at 1 it writes: what the last one gives is its next id. */
export function leftOf({ answer: { ids }, place }: Running): number {
  return ids.length - place.sequence.next;
}
