// Scenarios of golden/sessions, replays of them by transformers, and the models that they are about.
import { readFileSync } from "node:fs";
import { loadModel } from "../../../src/load/load.ts";
import type { ModelOptions } from "../../../src/load/model-options.ts";
import { readLogits } from "../../../src/oracle/sessions/read-logits.ts";
import type { SessionModel } from "../../../src/oracle/sessions/run-sessions.ts";
import { sizeOf } from "../../../src/oracle/sessions/scenario.ts";
import { checkSteps, type LogitsOf } from "../../../src/oracle/sessions/session-check.ts";
import { readSessions, type SessionManifest } from "../../../src/oracle/sessions/session-manifest.ts";
import { judge, type SessionVerdict } from "../../../src/oracle/sessions/session-verdict.ts";
import { blobSource } from "../../../src/sources/blob.ts";
import { diskFolder } from "../../../src/sources/disk.ts";
import { golden, open } from "../../model/run.ts";
import { context } from "../../ops/harness.ts";

export interface RecordedFault {
  readonly file: string;
  readonly model: string;
  readonly fault: string;
  readonly wrong: readonly string[];
}

export const recorded: readonly RecordedFault[] = JSON.parse(readFileSync(golden("sessions/faults.json"), "utf8"));

export interface RecordedSessions {
  readonly sessions: SessionManifest;
  readonly expected: LogitsOf;
  readonly on: SessionModel;
  /** What a file of golden/sessions comes to. */
  judge(file: string): Promise<SessionVerdict>;
}

export async function openSessions(name: string, options: ModelOptions = {}): Promise<RecordedSessions> {
  const sessions = (await readSessions(diskFolder(golden(`sessions/${name}`)))) as SessionManifest;
  const { scenarios, tolerances, pad, file } = sessions;
  const expected = await logitsOf(`${name}/${file}`);
  const on = await loadSessionModel(`mistakes/hooked/${name}`, scenarios, options);
  return {
    sessions,
    expected,
    on,
    async judge(path) {
      const found = await logitsOf(path);
      const { checks, missing } = await checkSteps(scenarios, tolerances, expected, found);
      const checked = scenarios.filter((scenario) => !missing.includes(scenario.name));
      return judge(checked, checks, found, pad, async () => on);
    },
  };
}

/** From memory, for a file is read row by row. */
async function logitsOf(path: string): Promise<LogitsOf> {
  const source = blobSource(path, new Uint8Array(readFileSync(golden(`sessions/${path}`))));
  return (await readLogits(source, undefined)).logitsOf;
}

async function loadSessionModel(
  folder: string,
  scenarios: SessionManifest["scenarios"],
  options: ModelOptions,
): Promise<SessionModel> {
  const checkpoint = await open(folder);
  const { sequences, ids } = sizeOf(scenarios);
  const settings = { mode: "exact", contextLength: 2 * ids, ...options } as const;
  const loaded = await loadModel(checkpoint, settings, { ...context, sequenceCount: Math.max(3, sequences) });
  await Promise.all(checkpoint.files.map((file) => file.close()));
  return loaded;
}
