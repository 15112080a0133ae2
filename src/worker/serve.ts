// The model's thread: loads once, then answers one request after another, hearing the caller in between.

import { createConstraint } from "../constrain/constraint.ts";
import { buildTree, type VocabularyTree } from "../constrain/vocabulary.ts";
import { parseEdits } from "../edits/edit.ts";
import { editedEngine } from "../engine/edited-engine.ts";
import { type Engine, eachLogits, generate, headOf, type Pace } from "../engine/engine.ts";
import { restart } from "../engine/sequence.ts";
import { plainError } from "../lfm2-error.ts";
import type { LoadContext } from "../load/load.ts";
import { recordTrace } from "../oracle/trace/record.ts";
import type { Logprobs } from "../sampling/logprobs.ts";
import { openSources } from "../sources/open-source.ts";
import { createFlight, type Flight } from "./flight.ts";
import { loadEngine, type Platform } from "./platform.ts";
import type { FromWorker, Port, Request, Results, ToWorker, WorkerEvent } from "./protocol.ts";

type Emit = (event: WorkerEvent, transfer?: ArrayBuffer[]) => void;

/** A trace waits when so many bytes of it are on their way; a step comes on top. */
const FLIGHT_BYTES = 1 << 25;

export function serve(port: Port<ToWorker, FromWorker>, platform: Platform): void {
  const controllers = new Map<number, AbortController>();
  const flights = new Map<number, Flight>();
  let engine: Engine | undefined;
  /** How the sequence that the engine is in the middle of was computed. */
  let lastEdits = "";
  let vocabulary: VocabularyTree | undefined;
  let last: Promise<void> = Promise.resolve();

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
    const controller = new AbortController();
    const flight = createFlight(FLIGHT_BYTES);
    controllers.set(id, controller);
    flights.set(id, flight);
    last = last.then(async () => {
      try {
        controller.signal.throwIfAborted();
        const pace = paceOf(controller.signal, givenUp, flight);
        const result = await answer(request, controller.signal, pace, (event, transfer) => {
          if (event.kind === "step") flight.sent(event.step.numbers.byteLength);
          port.post({ id, event }, transfer);
        });
        port.post({ id, result });
      } catch (error) {
        port.post({ id, error: plainError(error) });
      } finally {
        controllers.delete(id);
        flights.delete(id);
      }
    });
  });

  async function answer(
    request: Request,
    signal: AbortSignal,
    pace: Pace,
    emit: Emit,
  ): Promise<Results[Request["kind"]]> {
    const onProgress = (done: number, total: number): void => emit({ kind: "progress", done, total });
    if (request.kind === "load") return load(request, signal, onProgress);
    if (request.kind === "vocabulary") {
      vocabulary = buildTree(request.vocabulary);
      return null;
    }
    if (engine === undefined) throw new TypeError("a model has to be loaded before it is run");
    if (request.kind === "head") {
      await headOf(engine, request.hidden, pace, (logits) => {
        emit({ kind: "rows", logits }, [logits.buffer as ArrayBuffer]);
      });
      return null;
    }
    const edited = withEdits(engine, request.edits);
    if (request.kind === "logits") {
      await eachLogits(edited, request.ids, pace, (logits, done) => {
        emit({ kind: "rows", logits }, [logits.buffer as ArrayBuffer]);
        onProgress(done, request.ids.length);
      });
      return null;
    }
    if (request.kind === "trace") {
      await recordTrace(edited, request.ids, request.plan, pace, (step, done) => {
        emit({ kind: "step", step }, [step.numbers]);
        onProgress(done, request.plan.positions.to);
      });
      return null;
    }
    const begin = performance.now();
    let logprobs: Logprobs | undefined;
    const onLogprobs = (found: Logprobs): void => {
      logprobs = found;
    };
    const options = { ...request.options, onLogprobs, constraint: constraintOf(request, engine) };
    for await (const token of generate(edited, request.ids, options, pace, onProgress)) {
      emit({ kind: "id", token, logprobs, ms: performance.now() - begin });
    }
    return null;
  }

  /** What was read under other edits is read anew. */
  function withEdits(engine: Engine, texts: readonly string[] = []): Engine {
    const edited = editedEngine(engine, parseEdits(texts, engine.model.config));
    const edits = JSON.stringify(texts);
    if (edits !== lastEdits) restart(engine.model, engine.sequence);
    lastEdits = edits;
    return edited;
  }

  function constraintOf({ rules, options }: Request & { kind: "generate" }, { model }: Engine) {
    if (rules === undefined) return undefined;
    if (vocabulary === undefined) throw new TypeError("a vocabulary has to be sent before output can be constrained");
    return createConstraint(rules, vocabulary, model.config.vocabSize, options.stopIds);
  }

  async function load(
    request: Request & { kind: "load" },
    signal: AbortSignal,
    onProgress: LoadContext["onProgress"],
  ): Promise<Results["load"]> {
    const files = await openSources(request.files, platform.openFile, signal);
    try {
      const { config, tensors, options } = request;
      const loading = await loadEngine(platform, { config, tensors, files }, options, { signal, onProgress });
      engine = loading.engine;
      const { model, settings, backend, warnings } = loading.loaded;
      return { config: model.config, settings, bytes: backend.bytes, warnings };
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  function paceOf(signal: AbortSignal, givenUp: SharedArrayBuffer | undefined, flight: Flight): Pace {
    const flag = givenUp && new Int32Array(givenUp);
    return {
      async pause() {
        await platform.nextTurn();
        await flight.room(signal);
      },
      check:
        flag &&
        (() => {
          if (Atomics.load(flag, 0) !== 0) throw new DOMException("The request was given up.", "AbortError");
        }),
    };
  }
}
