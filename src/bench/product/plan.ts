// A run before it begins: what will be measured, checked against the model and this machine. No weight is read.

import { basename } from "node:path";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { openCheckpoint } from "../../formats/open-checkpoint.ts";
import { locateInNode } from "../../index.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import type { ModelOptions } from "../../load/model-options.ts";
import { planMemory } from "../../load/plan-memory.ts";
import { type Config, readConfig } from "../../model/config.ts";
import { settleHead } from "../../parameters/tied-head.ts";
import { formatInteger } from "../../quantities.ts";
import { nodeMachine } from "../../worker/node-machine.ts";
import type { Filling } from "./measured-model.ts";
import type { ModelFacts } from "./run.ts";
import { type Lists, nameOf, planTests, type Right, type Setting, settingsOf, type Test } from "./settings.ts";
import { formatsOf, weightTraffic } from "./traffic.ts";

export interface BenchRequest extends Lists<Setting> {
  readonly source: string | undefined;
  /** Tokens; 0 leaves the test out. */
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
  /** Positions before the test. */
  readonly depths: readonly number[];
  /** Shares of guesses that are right, each of which makes a test of every decode, behind nothing. */
  readonly acceptance: readonly Right[];
  readonly filling: Filling;
  readonly rounds: number;
}

export interface BenchPlan extends Pick<BenchRequest, "source" | "filling" | "rounds"> {
  readonly settings: readonly (ModelOptions & Setting)[];
  readonly tests: readonly Test[];
  readonly config: Config;
  readonly model: ModelFacts;
  /** The most threads of any setting. */
  readonly threads: number;
  /** Whether all settings fit into memory side by side. */
  readonly together: boolean;
  readonly notes: readonly string[];
}

/** Nothing of what was asked for can be measured: the options are at fault, not the file. */
export class BenchError extends Lfm2Error {
  override readonly name = "BenchError";
}

/** The share of free memory that models may take: the rest is for page cache and other programs. */
const MEMORY_SHARE = 0.8;

/** @throws what `open` throws of a model or an option; BenchError when no test fits into the model's context */
export async function planBench(request: BenchRequest): Promise<BenchPlan> {
  const { folder, file } = await locateInNode(request.source);
  const opened = await openCheckpoint(folder, file);
  try {
    const settled = await settleHead(opened, "sampled");
    const checkpoint = { ...opened, ...settled, warnings: [...opened.warnings, ...settled.warnings] };
    const config = readConfig(checkpoint.config, checkpoint.keyNames);
    const machine = await nodeMachine();
    const limit = config.maxPositionEmbeddings;
    const { tests, contextLength, skipped } = planTests(request, limit);
    if (tests.length === 0) {
      const found = skipped.length === 0 ? "none" : skipped.map(nameOf).join(", ");
      throw new BenchError({ subject: "bench", expected: `a test that fits into ${limit} positions`, found });
    }
    // Plain decoding runs beside what is run ahead, in a sequence of its own.
    const parallel = tests.some(({ right }) => right !== undefined) ? 2 : 1;
    const settings = settingsOf(request).map((setting) => ({ ...setting, contextLength, parallel }));
    const bytes = settings.map((options) => plannedBytes(checkpoint, options, machine));
    const all = bytes.reduce((sum, own) => sum + own, 0);
    const together = settings.length === 1 || all <= MEMORY_SHARE * process.availableMemory();
    const notes = checkpoint.warnings.map((warning) => `warning: ${warning}`);
    if (skipped.length > 0) {
      notes.push(
        `Left out: ${skipped.map(nameOf).join(", ")}. The model's context ends at ${formatInteger(limit)} positions.`,
      );
    }
    if (request.filling === "cache" && contextLength > Math.max(...request.prefill, ...request.decode) + 1) {
      notes.push("Contexts were filled by writing seeded keys and values into the cache, not by a prompt.");
    }
    if (!together) {
      notes.push("Not all settings fit into memory side by side: each is loaded, and its context filled, every round.");
    }
    const { source, filling, rounds } = request;
    const threads = Math.max(...settings.map((setting) => setting.threads ?? machine.cores));
    return {
      source,
      filling,
      rounds,
      settings,
      tests,
      config,
      model: factsOf(checkpoint, config, source),
      threads,
      together,
      notes,
    };
  } finally {
    await Promise.all(opened.files.map((source) => source.close()));
  }
}

function plannedBytes(
  checkpoint: Checkpoint,
  options: ModelOptions,
  machine: Parameters<typeof planMemory>[2],
): number {
  return planMemory(checkpoint, options, machine).banks.reduce((sum, bank) => sum + bank.bytes, 0);
}

function factsOf(checkpoint: Checkpoint, config: Config, source: string | undefined): ModelFacts {
  const stated = checkpoint.metadata.get("general.name");
  return {
    name: typeof stated === "string" ? stated : basename(source ?? "embedded model"),
    fileBytes: checkpoint.files.reduce((sum, { size }) => sum + size, 0),
    formats: formatsOf(checkpoint.tensors.values()),
    contextLimit: config.maxPositionEmbeddings,
    bytesPerToken: weightTraffic(config, checkpoint.tensors),
  };
}
