// How much memory a model will take, and whether a machine has it: known before a weight is read.
import { blockFormats } from "../blocks/formats.ts";
import { readConfig } from "../model/config.ts";
import { bytesOf, planWasmBanks } from "../wasm/backend.ts";
import type { BankPlan } from "../wasm/plan.ts";
import { backendRequest } from "./backend-request.ts";
import { findWeights, type WeightFiles } from "./find-weights.ts";
import { checkFits, fits, type Smaller } from "./fit.ts";
import type { Machine } from "./machine.ts";
import type { ModelOptions } from "./model-options.ts";
import { roomOf } from "./room.ts";
import { fillSettings } from "./settings.ts";

/** A model's files, as far as they can be read without the weights. */
type Described = Pick<WeightFiles, "config" | "tensors">;

/** What the wasm backend will reserve for this checkpoint on a machine like `machine`. Reads no weight. */
export function planMemory(
  files: Described,
  options: ModelOptions,
  machine: Machine,
  sequenceCount?: number,
): BankPlan {
  const config = readConfig(files.config);
  const settings = fillSettings(config, options, machine);
  const { found } = findWeights(config, files.tensors, settings.quantize);
  return planWasmBanks(backendRequest(config, found, settings, roomOf(config, settings, sequenceCount)));
}

const SMALLER_CONTEXTS = [16384, 8192, 4096, 2048, 512];

/** @throws MemoryError when `machine` cannot hold the model; what `loadModel` throws before it reads weights */
export function checkMemory(files: Described, options: ModelOptions, machine: Machine, sequenceCount?: number): void {
  if (options.ignoreMemory || machine.memory === undefined) return;
  const settings = fillSettings(readConfig(files.config), options, machine);
  // The reference holds the same weights and states, one array each.
  const bytesWith = (change: ModelOptions): number =>
    bytesOf(planMemory(files, { ...options, ...change, backend: "wasm", mode: settings.mode }, machine, sequenceCount));
  const { memory } = machine;

  function* smaller(): Generator<Smaller> {
    const { contextLength, kvType, quantize } = settings;
    for (const context of SMALLER_CONTEXTS) {
      const bytes = context < contextLength ? bytesWith({ contextLength: context }) : Number.POSITIVE_INFINITY;
      if (!fits(bytes, memory)) continue;
      yield { option: "contextLength", value: context, bytes };
      break;
    }
    if (kvType !== "int8") yield { option: "kvType", value: "int8", bytes: bytesWith({ kvType: "int8" }) };
    const isFloat = [...files.tensors.values()].some(({ format }) => blockFormats[format].blockLength === 1);
    if (quantize !== undefined || !isFloat) return;
    for (const type of ["Q8_0", "Q4_0"] as const) {
      yield { option: "quantize", value: type, bytes: bytesWith({ quantize: type }) };
    }
  }
  checkFits(bytesWith({}), machine.memory, smaller);
}
