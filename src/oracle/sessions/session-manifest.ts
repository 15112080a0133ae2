// `sessions.json`: scenarios of several sequences, and where the logits of every step are. People may write it by hand.
import { isObject, type JsonObject, jsonLimits, readJson } from "../../formats/json.ts";
import { refuse, show } from "../../formats/refusal.ts";
import type { Folder } from "../../sources/source.ts";
import { type GoldenManifest, type GoldenTolerance, parseGolden } from "../golden/golden-manifest.ts";
import { type Action, limits, type Scenario, type StepIds, stepsOf } from "./scenario.ts";

export const SESSIONS = "sessions.json";

export interface SessionManifest extends Pick<GoldenManifest, "model" | "made" | "run"> {
  readonly format: "lfm2-sessions";
  readonly version: 1;
  /** safetensors: the logits after a sequence's last id of a step [1, vocab], by `logitsName`. */
  readonly file: string;
  /** The id that fills a padded batch up. */
  readonly pad: number;
  readonly scenarios: readonly Scenario[];
  /** The first whose glob matches the name of an array counts. */
  readonly tolerances: readonly GoldenTolerance[];
}

const MEND = `Correct ${SESSIONS}.`;

/** Undefined where the directory has none. @throws FormatError when it says what it cannot mean */
export async function readSessions(folder: Folder, signal?: AbortSignal): Promise<SessionManifest | undefined> {
  const source = await folder.open(SESSIONS, signal);
  if (source === undefined) return undefined;
  const json = await readJson(source, jsonLimits.directory, signal).finally(() => source.close());
  return parseSessions(json, `${folder.name}, ${SESSIONS}`);
}

/** @throws FormatError */
export function parseSessions(json: JsonObject, subject: string): SessionManifest {
  if (json.format !== "lfm2-sessions" || json.version !== 1) {
    const found = `${show(json.format)} version ${show(json.version)}`;
    const remedy = "Make it again with this version of lfm2 golden make --sessions.";
    refuse(subject, 'format "lfm2-sessions" version 1', found, remedy);
  }
  const { file, pad = 0, scenarios } = json;
  if (typeof file !== "string" || file === "") refuse(`${subject}, file`, "a file's name", show(file), MEND);
  if (!isId(pad)) refuse(`${subject}, pad`, "a token id", show(pad), MEND);
  if (!Array.isArray(scenarios) || scenarios.length === 0 || scenarios.length > limits.scenarios) {
    refuse(`${subject}, scenarios`, `a list of 1 to ${limits.scenarios}`, show(scenarios), MEND);
  }
  // What it has in common with a golden is checked as one.
  const common = { ...json, format: "lfm2-golden", cases: [{ file, ids: [0] }] };
  const { model, made, run, tolerances } = parseGolden(common, subject);
  const read = scenarios.map((entry, i) => scenarioOf(entry, `${subject}, scenarios[${i}]`));
  const twice = read.find(({ name }, i) => read.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) refuse(`${subject}, scenarios`, "names that differ", `${twice.name} twice`, MEND);
  for (const scenario of read) stepsOf(scenario, subject);
  return { format: "lfm2-sessions", version: 1, model, made, run, file, pad, scenarios: read, tolerances };
}

/** Whether every id is one of the vocabulary, which shows in the logits alone. @throws FormatError */
export function checkVocabulary({ pad, scenarios }: SessionManifest, vocabSize: number, subject: string): void {
  const refuseAbove = (place: string, ids: readonly number[]): void => {
    const wrong = ids.find((id) => id >= vocabSize);
    if (wrong !== undefined)
      refuse(`${subject}, ${place}`, `ids below ${vocabSize}, as many as there are logits`, `${wrong}`, MEND);
  };
  refuseAbove("pad", [pad]);
  for (const { name, actions } of scenarios) {
    for (const action of actions) if ("step" in action) refuseAbove(name, Object.values(action.step).flat());
  }
}

function scenarioOf(value: unknown, subject: string): Scenario {
  const { name, actions } = isObject(value) ? value : ({} as JsonObject);
  if (!isName(name)) refuse(`${subject}.name`, NAME, show(name), MEND);
  if (!Array.isArray(actions) || actions.length === 0 || actions.length > limits.actions) {
    refuse(`${subject}.actions`, `a list of 1 to ${limits.actions}`, show(actions), MEND);
  }
  return { name, actions: actions.map((action, i) => actionOf(action, `${subject}.actions[${i}]`)) };
}

function actionOf(value: unknown, subject: string): Action {
  const { step, rewind, close, open, from, to } = isObject(value) ? value : ({} as JsonObject);
  if (isSteps(step)) return { step };
  if (isName(close)) return { close };
  if (isName(rewind) && isId(to)) return { rewind, to };
  if (isName(open) && isName(from) && isId(to)) return { open, from, to };
  const known = "a step of sequences and their ids, a rewind of one to a count, a close, or an open with from and to";
  refuse(subject, known, show(value), MEND);
}

function isSteps(value: unknown): value is StepIds {
  if (!isObject(value)) return false;
  const chunks = Object.entries(value);
  const isIds = (ids: unknown): boolean => Array.isArray(ids) && ids.length > 0 && ids.every(isId);
  return chunks.length > 0 && chunks.every(([name, ids]) => isName(name) && isIds(ids));
}

const NAME = "a name of 1 to 32 small letters, digits and hyphens that begins with a letter";

function isName(value: unknown): value is string {
  return typeof value === "string" && /^[a-z][a-z0-9-]{0,31}$/.test(value);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1 << 24;
}
