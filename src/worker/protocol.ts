// The messages between the caller's thread and the model's. Everything here can be structured-cloned.

import type { ConstraintRules } from "../constrain/constraint.ts";
import type { GuessCounts } from "../engine/ahead.ts";
import type { GenerateOptions } from "../engine/answer.ts";
import type { Activity } from "../engine/scheduler.ts";
import type { StoredTensor } from "../formats/checkpoint.ts";
import type { PlainError } from "../lfm2-error.ts";
import type { ModelOptions } from "../load/model-options.ts";
import type { Settings } from "../load/settings.ts";
import type { Config } from "../model/config.ts";
import type { TraceStep } from "../oracle/trace/record.ts";
import type { TracePlan } from "../oracle/trace/trace-plan.ts";
import type { Logprobs } from "../sampling/logprobs.ts";
import type { SourceDescriptor } from "../sources/source.ts";
import type { PackedBytes } from "../tokenizer/packed-bytes.ts";

export type Request =
  | {
      readonly kind: "load";
      readonly config: Readonly<Record<string, unknown>>;
      readonly tensors: ReadonlyMap<string, StoredTensor>;
      readonly files: readonly SourceDescriptor[];
      readonly options: ModelOptions;
    }
  | {
      readonly kind: "generate";
      readonly ids: readonly number[];
      /** `speculate`: whether ids may be run before they are known. */
      readonly options: Omit<GenerateOptions, "constraint" | "propose"> & { readonly speculate: boolean };
      /** Needs a vocabulary, sent before. */
      readonly rules?: ConstraintRules;
      readonly edits?: readonly string[];
    }
  | { readonly kind: "vocabulary"; readonly vocabulary: PackedBytes }
  | { readonly kind: "logits"; readonly ids: readonly number[]; readonly edits?: readonly string[] }
  | {
      readonly kind: "trace";
      readonly ids: readonly number[];
      readonly plan: TracePlan;
      readonly edits?: readonly string[];
    }
  | { readonly kind: "head"; readonly hidden: Float32Array };

/** Whether it is work that others' steps are cut short for. */
export function isWork({ kind }: Request): boolean {
  return kind === "generate" || kind === "logits" || kind === "trace" || kind === "head";
}

/** What a request gives back, by its kind, besides the events on the way. */
export interface Results {
  readonly load: {
    /** As it is run: untied where the file stores a head of its own. */
    readonly config: Config;
    readonly settings: Settings;
    readonly bytes: number;
    readonly warnings: readonly string[];
  };
  readonly generate: null;
  readonly vocabulary: null;
  readonly logits: null;
  readonly trace: null;
  readonly head: null;
}

export type ToWorker =
  | {
      readonly id: number;
      readonly request: Request;
      /** Where threads can share memory: its first word becomes 1 when the caller gives up, noticed within a step. */
      readonly givenUp: SharedArrayBuffer | undefined;
      /** Also where threads can share memory: its first word counts the requests for work that have been sent. */
      readonly sent: SharedArrayBuffer | undefined;
    }
  | { readonly id: number; readonly abort: true }
  /** So many bytes of a request's events have been taken by a consumer that the thread waits for. */
  | { readonly id: number; readonly taken: number };

export type WorkerEvent =
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | {
      readonly kind: "id";
      readonly token: number;
      readonly logprobs: Logprobs | undefined;
      /** Since the request's turn came. */
      readonly ms: number;
      /** Since then, too. */
      readonly guesses: GuessCounts;
    }
  | { readonly kind: "rows"; readonly logits: Float32Array }
  | { readonly kind: "step"; readonly step: TraceStep };

export type FromWorker =
  /** It has become another one; sent before a step that begins with it, so that nobody has to wait for the step. */
  | { readonly activity: Activity }
  | { readonly id: number; readonly event: WorkerEvent }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError };

/** One end of the channel, whatever the platform calls it. */
export interface Port<In, Out> {
  post(message: Out, transfer?: ArrayBuffer[]): void;
  onMessage(listener: (message: In) => void): void;
}

/** The caller's end: also learns of a death, and can end the worker. */
export interface ThreadPort<In, Out> extends Port<In, Out> {
  /** The worker died, or could not start. */
  onFailure(listener: (cause: Error) => void): void;
  /** Whether requests are under way: an idle worker must not keep a process alive. */
  setBusy(busy: boolean): void;
  terminate(): Promise<void>;
}

export type WorkerPort = ThreadPort<FromWorker, ToWorker>;
