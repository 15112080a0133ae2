// Scenarios to disk, from Node: what a runtime is to do, and the logits that every step has to give.
import type { GoldenTolerance } from "../golden/golden-manifest.ts";
import { defaultTolerances, madeBy, pathFrom } from "../golden/write-golden.ts";
import { checkRecordFolder, writeRecordFolder } from "../trace/record-folder.ts";
import { writeTensorFile } from "../trace/tensor-file.ts";
import type { TracePiece } from "../trace/trace-pieces.ts";
import { bytesOf, type TracePlan } from "../trace/trace-plan.ts";
import { hashOf, nameIn, type TracedModel } from "../trace/write-trace.ts";
import { eachAlone, type Pause, type SessionModel } from "./run-sessions.ts";
import { logitsName, type Scenario, stepsOf } from "./scenario.ts";
import { SESSIONS, type SessionManifest } from "./session-manifest.ts";

/** An opened model that runs several sequences. */
export interface SessionsSource extends SessionModel, Pick<TracedModel, "checkpoint" | "settings"> {}

export interface WriteSessionsOptions {
  readonly name?: string;
  readonly force?: boolean;
  /** By default those of goldens. */
  readonly tolerances?: readonly GoldenTolerance[];
  readonly again?: string;
  /** Where the model is: a path or URL; nothing for the embedded one. */
  readonly source?: string;
  readonly signal?: AbortSignal;
  readonly pause: Pause;
}

const TENSORS = "sessions.safetensors";

/**
 * Runs every sequence alone and writes `sessions.json` and `sessions.safetensors` into `folder`.
 * @throws RecordFolderError before anything is computed
 */
export async function writeSessions(
  folder: string,
  source: SessionsSource,
  scenarios: readonly Scenario[],
  options: WriteSessionsOptions,
): Promise<SessionManifest> {
  const { checkpoint, settings, model } = source;
  const { force = false, signal, pause } = options;
  const plan = planOf(scenarios, model.config.vocabSize);
  await checkRecordFolder(folder, plan.bytes, force);
  return writeRecordFolder(folder, SESSIONS, async (partOf) => {
    const hash = await hashOf(source, signal);
    const pieces = piecesOf(eachAlone(source, scenarios, pause));
    await writeTensorFile(await partOf(TENSORS), plan, pieces, new Map([["format", "lfm2-sessions"]]));
    const pad = Number(checkpoint.config.pad_token_id);
    return {
      format: "lfm2-sessions",
      version: 1,
      model: { name: options.name ?? nameIn(source), path: pathFrom(folder, options.source), ...hash },
      made: { by: madeBy(settings), again: options.again },
      run: { mode: settings.mode as "exact" | "int8", kvType: settings.kvType as "f32" | "f16" | "int8" },
      file: TENSORS,
      pad: Number.isInteger(pad) && pad >= 0 && pad < model.config.vocabSize ? pad : 0,
      scenarios,
      tolerances: options.tolerances ?? defaultTolerances(settings).slice(1),
    };
  });
}

function planOf(scenarios: readonly Scenario[], vocabSize: number): TracePlan {
  const points = scenarios.flatMap((scenario) =>
    stepsOf(scenario).flatMap(({ action, chunks }) =>
      chunks.map(({ sequence }) => ({
        name: logitsName(scenario.name, action, sequence),
        ...{ shape: [1, vocabSize] as const, dtype: "F32" as const, kind: "logits" as const },
      })),
    ),
  );
  return { positions: { from: 0, to: 1 }, points, bytes: points.reduce((sum, point) => sum + bytesOf(point), 0) };
}

async function* piecesOf(logits: ReturnType<typeof eachAlone>): AsyncGenerator<TracePiece, void> {
  for await (const [name, data] of logits) {
    yield { name, position: 0, rows: 1, data: data as Float32Array<ArrayBuffer> };
  }
}
