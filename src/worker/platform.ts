// What differs between Node and a browser for a thread that runs a model, and how such a thread loads one.
import type { WeightFiles } from "../load/find-weights.ts";
import { type LoadContext, type LoadedModel, loadModel } from "../load/load.ts";
import type { Machine } from "../load/machine.ts";
import type { ModelOptions } from "../load/model-options.ts";
import type { OpenFile } from "../sources/open-source.ts";
import type { KernelBuild } from "../wasm/kernels.ts";
import { type StartHelper, startRuntime } from "./helper.ts";

export interface Platform {
  /** Opens a path; absent in a browser. */
  readonly openFile?: OpenFile;
  readonly machine: () => Promise<Machine>;
  readonly compileKernels: (build: KernelBuild) => Promise<WebAssembly.Module>;
  readonly startHelper: StartHelper;
  /** Resolves after the messages that have arrived were handled. */
  readonly nextTurn: () => Promise<void>;
}

/** @throws what `loadModel` throws */
export async function loadOn(
  { machine, compileKernels, startHelper }: Platform,
  files: WeightFiles,
  options: ModelOptions,
  on: Pick<LoadContext, "signal" | "onProgress" | "sequenceCount">,
): Promise<LoadedModel> {
  return loadModel(files, options, {
    ...on,
    machine: await machine(),
    startRuntime: async (build, threads) => startRuntime(await compileKernels(build), build, threads, startHelper),
  });
}
