// A setting under measurement, in a process of its own.
import type { ModelOptions } from "../../load/model-options.ts";
import { startChild } from "./child.ts";
import type { Filling } from "./measured-model.ts";
import type { FullSetting, Speed, Test } from "./settings.ts";

export type ToContender =
  | ({ readonly kind: "open" } & ContenderModel)
  | { readonly kind: "measure"; readonly test: Test };

export interface ContenderModel {
  readonly source: string | undefined;
  readonly options: ModelOptions;
  readonly filling: Filling;
}

export interface Opened {
  readonly setting: FullSetting;
  readonly reservedBytes: number;
  readonly loadMs: number;
}

export interface Measured extends Speed {
  /** The most physical memory that the process has held so far. */
  readonly peakBytes: number;
}

/** Bytes of weights read, or positions of the context filled. */
export interface Progress {
  readonly phase: "load" | "fill";
  readonly done: number;
  readonly total: number;
}

export interface Contender extends Opened {
  measure(test: Test): Promise<Measured>;
  close(): Promise<void>;
}

/** @throws what opening the model throws, under its own name; the signal's reason */
export async function openContender(
  model: ContenderModel,
  on: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
): Promise<Contender> {
  on.signal.throwIfAborted();
  const child = startChild(import.meta.url, "contender-process", on);
  const ask = (message: ToContender): Promise<unknown> => child.ask(message);
  try {
    const opened = (await ask({ kind: "open", ...model })) as Opened;
    return {
      ...opened,
      measure: async (test) => (await ask({ kind: "measure", test })) as Measured,
      close: child.close,
    };
  } catch (error) {
    await child.close();
    throw error;
  }
}
