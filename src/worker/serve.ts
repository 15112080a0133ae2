// The model's thread: loads once, then answers one request after another, hearing the caller in between.
import { createConstraint } from "../constrain/constraint.ts";
import { buildTree, type VocabularyTree } from "../constrain/vocabulary.ts";
import { eachLogits, generate, type Pace, type Sequence } from "../engine/engine.ts";
import { type LoadContext, loadModel, MAX_LOGIT_ROWS, MAX_STEP, type Machine } from "../load.ts";
import { openSource } from "../sources/open-source.ts";
import type { ByteSource } from "../sources/source.ts";
import { kernelUrl } from "../wasm/kernels.ts";
import { type StartHelper, startRuntime } from "./helper.ts";
import type { FromWorker, Port, Request, Results, ToWorker, WorkerEvent } from "./protocol.ts";

/** What differs between Node and a browser. */
export interface Platform {
  /** Opens a path; absent in a browser. */
  readonly openFile?: (path: string) => Promise<ByteSource>;
  readonly machine: () => Promise<Machine>;
  readonly compileKernels: (url: URL) => Promise<WebAssembly.Module>;
  readonly startHelper: StartHelper;
  /** Resolves after the messages that have arrived were handled. */
  readonly nextTurn: () => Promise<void>;
}

type Emit = (event: WorkerEvent, transfer?: ArrayBuffer[]) => void;

export function serve(port: Port<ToWorker, FromWorker>, platform: Platform): void {
  const controllers = new Map<number, AbortController>();
  let sequence: Sequence | undefined;
  let vocabulary: VocabularyTree | undefined;
  let last: Promise<void> = Promise.resolve();

  port.onMessage((message) => {
    if ("abort" in message) {
      controllers.get(message.id)?.abort();
      return;
    }
    const { id, request, givenUp } = message;
    const controller = new AbortController();
    controllers.set(id, controller);
    last = last.then(async () => {
      try {
        controller.signal.throwIfAborted();
        const pace = paceOf(controller.signal, givenUp);
        const result = await answer(request, controller.signal, pace, (event, transfer) => {
          port.post({ id, event }, transfer);
        });
        port.post({ id, result });
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        port.post({ id, error: { name, message } });
      } finally {
        controllers.delete(id);
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
    if (sequence === undefined) throw new TypeError("a model has to be loaded before it is run");
    if (request.kind === "logits") {
      await eachLogits(sequence, request.ids, pace, (logits, done) => {
        emit({ kind: "rows", logits }, [logits.buffer as ArrayBuffer]);
        onProgress(done, request.ids.length);
      });
      return null;
    }
    const begin = performance.now();
    let first: number | undefined;
    const options = { ...request.options, constraint: constraintOf(request, sequence) };
    for await (const token of generate(sequence, request.ids, options, pace, onProgress)) {
      first ??= performance.now();
      emit({ kind: "id", token });
    }
    const decoding = first ?? performance.now();
    return { prefillMs: decoding - begin, decodeMs: performance.now() - decoding };
  }

  function constraintOf({ rules, options }: Request & { kind: "generate" }, { model }: Sequence) {
    if (rules === undefined) return undefined;
    if (vocabulary === undefined) throw new TypeError("a vocabulary has to be sent before output can be constrained");
    return createConstraint(rules, vocabulary, model.config.vocabSize, options.stopIds);
  }

  async function load(
    request: Request & { kind: "load" },
    signal: AbortSignal,
    onProgress: LoadContext["onProgress"],
  ): Promise<Results["load"]> {
    const files = await Promise.all(request.files.map((file) => openSource(file, platform.openFile, signal)));
    try {
      const context: LoadContext = {
        machine: await platform.machine(),
        startRuntime: async (build, threads) =>
          startRuntime(await platform.compileKernels(kernelUrl(build)), build, threads, platform.startHelper),
        signal,
        onProgress,
      };
      const { config, tensors, options } = request;
      const { model, state, settings, backend } = await loadModel({ config, tensors, files }, options, context);
      sequence = { model, state, ids: [], maxStep: MAX_STEP, maxLogitRows: MAX_LOGIT_ROWS };
      return { settings, bytes: backend.bytes };
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  function paceOf(signal: AbortSignal, givenUp: SharedArrayBuffer | undefined): Pace {
    const flag = givenUp && new Int32Array(givenUp);
    return {
      async pause() {
        await platform.nextTurn();
        signal.throwIfAborted();
      },
      check:
        flag &&
        (() => {
          if (Atomics.load(flag, 0) !== 0) throw new DOMException("The request was given up.", "AbortError");
        }),
    };
  }
}
