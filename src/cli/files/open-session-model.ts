// Opens a model on this thread, with room for several sequences: `open` gives one, in a thread of its own.
import { type Config, readConfig } from "../../model/config.ts";
import { type Scenario, sizeOf } from "../../oracle/sessions/scenario.ts";
import { SessionsError } from "../../oracle/sessions/scenarios.ts";
import { SUPPOSED_SEQUENCES } from "../../oracle/sessions/suppose.ts";
import type { SessionsSource } from "../../oracle/sessions/write-sessions.ts";
import { nodePlatform } from "../../worker/node-platform.ts";
import { loadOn } from "../../worker/platform.ts";
import { type ModelFlags, statedModelOptions } from "../options/model-options.ts";
import { aboutFlags } from "../options/option-values.ts";
import { nameOf } from "../reports/model-facts.ts";
import { createFetchProgress } from "../terminal/fetch-progress.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { note } from "../terminal/terminal.ts";
import { locateFiles, sayWarnings } from "./open-files.ts";
import { sayEmbedded } from "./open-model.ts";

export interface OpenedSessions extends SessionsSource {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
}

/**
 * @param scenariosOf  the scenarios that there has to be room for
 * @throws what `open` throws; SessionsError when the model has too few positions
 */
export async function openSessionModel(
  flags: ModelFlags,
  scenariosOf: (config: Config) => readonly Scenario[],
  signal: AbortSignal,
): Promise<OpenedSessions> {
  if (flags.model === undefined) sayEmbedded();
  const checkpoint = await locateFiles(flags.model, { ...flags, reads: "whole" }, signal);
  const progress = createFetchProgress();
  try {
    const config = readConfig(checkpoint.config, checkpoint.keyNames);
    const scenarios = scenariosOf(config);
    const { sequences: atOnce, ids } = sizeOf(scenarios);
    const { maxPositionEmbeddings: most } = config;
    if (most < ids) {
      throw new SessionsError({ subject: "max_position_embeddings", expected: `at least ${ids}`, found: most });
    }
    // The helpers of further threads would stay when the work is done.
    const { threads = 1 } = flags;
    // Suppositions about padding, and about what was not taken back, run more ids than a sequence has.
    const options = { ...statedModelOptions(flags), threads, contextLength: Math.min(most, 2 * ids) };
    const loaded = await loadOn(nodePlatform, checkpoint, options, {
      signal,
      sequenceCount: Math.max(atOnce, SUPPOSED_SEQUENCES),
      onProgress: (done, total) => progress.onProgress({ phase: "load", done, total }),
    });
    progress.clear();
    sayWarnings([...checkpoint.warnings, ...loaded.warnings]);
    note(computationLine(loaded.settings));
    const { model, sequences, settings } = loaded;
    const name = nameOf(checkpoint.metadata, flags.model ?? "embedded model");
    return { model, sequences, settings, checkpoint, name, scenarios };
  } catch (error) {
    throw aboutFlags(error);
  } finally {
    progress.clear();
    await Promise.all(checkpoint.files.map((file) => file.close()));
  }
}
