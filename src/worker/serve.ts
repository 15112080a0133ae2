// The model's thread: loads once, then answers requests side by side, hearing the caller between steps.

import { createConstraint } from "../constrain/constraint.ts";
import { buildTree, type VocabularyTree } from "../constrain/vocabulary.ts";
import { parseEdits } from "../edits/edit.ts";
import type { GuessCounts } from "../engine/ahead.ts";
import type { Constraint, GenerateOptions } from "../engine/answer.ts";
import { answerAlone, editedEngine } from "../engine/edited-engine.ts";
import { type Engine, eachLogits, headOf, type Pace } from "../engine/engine.ts";
import { promptLookup } from "../engine/prompt-lookup.ts";
import { createScheduler, type Scheduler } from "../engine/scheduler.ts";
import type { Alone, Life } from "../engine/tasks.ts";
import { plainError } from "../lfm2-error.ts";
import { type LoadContext, schedulerParts } from "../load/load.ts";
import { recordTrace } from "../oracle/trace/record.ts";
import type { Logprobs } from "../sampling/logprobs.ts";
import { openSources } from "../sources/open-source.ts";
import { createFlight, type Flight } from "./flight.ts";
import { loadOn, type Platform } from "./platform.ts";
import {
  type FromWorker,
  isWork,
  type Port,
  type Request,
  type Results,
  type ToWorker,
  type WorkerEvent,
} from "./protocol.ts";

type Emit = (event: WorkerEvent, transfer?: ArrayBuffer[]) => void;

/** A trace waits when so many bytes of it are on their way; a step comes on top. */
const FLIGHT_BYTES = 1 << 25;

export function serve(port: Port<ToWorker, FromWorker>, platform: Platform): void {
  const controllers = new Map<number, AbortController>();
  const flights = new Map<number, Flight>();
  let scheduler: Scheduler | undefined;
  let vocabSize = 0;
  let contextLength = 0;
  let vocabulary: VocabularyTree | undefined;
  /** Requests for work that have arrived, and where their number is counted as they are sent. */
  let arrived = 0;
  let sent: Int32Array | undefined;

  port.onMessage((message) => {
    if ("abort" in message) {
      controllers.get(message.id)?.abort();
      return;
    }
    if ("taken" in message) {
      flights.get(message.id)?.taken(message.taken);
      return;
    }
    const { id, request, givenUp } = message;
    if (isWork(request)) arrived++;
    sent ??= message.sent && new Int32Array(message.sent);
    const controller = new AbortController();
    const flight = createFlight(FLIGHT_BYTES);
    controllers.set(id, controller);
    flights.set(id, flight);
    const flag = givenUp && new Int32Array(givenUp);
    const life: Life = { signal: controller.signal, isGivenUp: flag && (() => Atomics.load(flag, 0) !== 0) };
    const emit: Emit = (event, transfer) => {
      if (event.kind === "step") flight.sent(event.step.numbers.byteLength);
      port.post({ id, event }, transfer);
    };
    answer(request, life, flight, emit)
      .then(
        (result) => port.post({ id, result }),
        (error) => port.post({ id, error: plainError(error) }),
      )
      .finally(() => {
        controllers.delete(id);
        flights.delete(id);
      });
  });

  async function answer(request: Request, life: Life, flight: Flight, emit: Emit): Promise<Results[Request["kind"]]> {
    const onProgress = (done: number, total: number): void => emit({ kind: "progress", done, total });
    if (request.kind === "load") return load(request, life.signal, onProgress);
    if (request.kind === "vocabulary") {
      vocabulary = buildTree(request.vocabulary);
      return null;
    }
    if (scheduler === undefined) throw new TypeError("a model has to be loaded before it is run");
    if (request.kind === "logits") {
      const { ids, edits } = request;
      await scheduler.alone(ids.length, life, async (alone) =>
        eachLogits(withEdits(alone.engine, edits), ids, paceOf(life, flight, alone), (logits, done) => {
          emit({ kind: "rows", logits }, [logits.buffer as ArrayBuffer]);
          onProgress(done, ids.length);
        }),
      );
      return null;
    }
    if (request.kind === "trace") {
      const { ids, plan, edits } = request;
      await scheduler.alone(ids.length, life, async (alone) =>
        recordTrace(withEdits(alone.engine, edits), ids, plan, paceOf(life, flight, alone), (step, done) => {
          emit({ kind: "step", step }, [step.numbers]);
          onProgress(done, plan.positions.to);
        }),
      );
      return null;
    }
    if (request.kind === "head") {
      await scheduler.alone(1, life, (alone) =>
        headOf(alone.engine, request.hidden, paceOf(life, flight, alone), (logits) => {
          emit({ kind: "rows", logits }, [logits.buffer as ArrayBuffer]);
        }),
      );
      return null;
    }
    const { ids, edits = [] } = request;
    const { speculate, ...asked } = request.options;
    const propose = speculate ? promptLookup : undefined;
    const options: GenerateOptions = { ...asked, constraint: constraintOf(request), propose };
    const told = {
      onProgress,
      onId: (token: number, logprobs: Logprobs | undefined, ms: number, guesses: GuessCounts): void =>
        emit({ kind: "id", token, logprobs, ms, guesses }),
    };
    if (edits.length === 0) {
      await scheduler.answer({ ...life, ids, options, ...told });
      return null;
    }
    const positions = Math.min(contextLength, ids.length + options.maxTokens);
    await scheduler.alone(positions, life, async (alone) =>
      answerAlone(withEdits(alone.engine, edits), ids, options, paceOf(life, flight, alone), told),
    );
    return null;
  }

  function withEdits(engine: Engine, texts: readonly string[] = []): Engine {
    return editedEngine(engine, parseEdits(texts, engine.model.config));
  }

  function constraintOf({ rules, options }: Request & { kind: "generate" }): Constraint | undefined {
    if (rules === undefined) return undefined;
    if (vocabulary === undefined) throw new TypeError("a vocabulary has to be sent before output can be constrained");
    return createConstraint(rules, vocabulary, vocabSize, options.stopIds);
  }

  async function load(
    request: Request & { kind: "load" },
    signal: AbortSignal,
    onProgress: LoadContext["onProgress"],
  ): Promise<Results["load"]> {
    const files = await openSources(request.files, platform.openFile, signal);
    try {
      const { config, tensors, options } = request;
      const loaded = await loadOn(platform, { config, tensors, files }, options, { signal, onProgress });
      const { model, settings, backend, warnings } = loaded;
      vocabSize = model.config.vocabSize;
      contextLength = settings.contextLength;
      scheduler = createScheduler({
        ...schedulerParts(loaded),
        pause: platform.nextTurn,
        onActivity: (activity) => port.post({ activity }),
        isAwaited: () => sent !== undefined && Atomics.load(sent, 0) > arrived,
      });
      return { config: model.config, settings, bytes: backend.bytes, warnings };
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  function paceOf({ signal, isGivenUp }: Life, flight: Flight, { isShared, hold }: Alone): Pace {
    return {
      async pause() {
        await platform.nextTurn();
        signal.throwIfAborted();
        if (flight.isFull) await hold(flight.room(signal));
      },
      check:
        isGivenUp &&
        (() => {
          if (isGivenUp()) throw new DOMException("The request was given up.", "AbortError");
        }),
      isShared,
    };
  }
}
