// One recorded mistake, compared as a stranger would: its first point, and what it is called.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { type Comparison, compareRuns } from "../../../src/oracle/compare/compare.ts";
import { type Diagnosed, diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import { lineUp } from "../../../src/oracle/recorded/line-up.ts";
import { openArrays } from "../../../src/oracle/recorded/open-arrays.ts";
import type { RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { diskFolder, openFile } from "../../../src/sources/disk.ts";
import { golden, load } from "../../model/run.ts";
import { recordRun } from "../memory-run.ts";
import { causesInOneLayer, causesOf, causesWithoutModel } from "./mistake-causes.ts";

/** As golden/make/mistakes.py lists it. */
export interface Pair {
  readonly file: string;
  readonly model: string;
  /** Several are joined by a plus; of a run in half precision, `@bf16` or `@f16` follows. */
  readonly mistake: string;
  /** Of the true run. */
  readonly ids: readonly number[];
  readonly first: string | null;
  readonly isRounding?: boolean;
  /** No mistake, but the true run written down in another way. */
  readonly isClean?: boolean;
  /** In which everything was computed. */
  readonly precision?: "bf16" | "f16";
}

/** `right`: every mistake is named, and nothing else; `some`: not every one. */
export type Outcome = "right" | "some" | "wrong" | "cleared" | "no name" | "silent";
export type Verdict = readonly [outcome: Outcome, cause: string | undefined];

interface Ground {
  /** The true run, by this project's reference. */
  readonly run: RecordedRun;
  readonly weights: ModelWeights;
  close(): Promise<unknown>;
}

export interface Recordings {
  readonly pairs: readonly Pair[];
  open(pair: Pair): Promise<Opened>;
  close(): Promise<void>;
}

export interface Opened {
  /** Where the runs part, as they were recorded: lined up, a missing token no longer shows. */
  readonly first: string | undefined;
  readonly isEqual: boolean;
  /** What diagnosis makes of it, with the model's weights or without. */
  diagnosed(hasWeights: boolean): Promise<Diagnosed & { readonly comparison: Comparison }>;
  verdict(hasWeights: boolean): Promise<Verdict>;
  close(): Promise<void>;
}

/** @param models  the folder of the checkpoints, by name, where it is another one */
export function openRecordings(folder: string, models = folder): Recordings {
  const grounds = new Map<string, Promise<Ground>>();
  return {
    pairs: JSON.parse(readFileSync(join(folder, "mistakes.json"), "utf8")),
    async open(pair) {
      const { model, mistake, precision, isClean } = pair;
      const names = mistake.replace(/@.*/, "").split("+");
      const ground = grounds.get(model) ?? prepare(models, pair);
      grounds.set(model, ground);
      const { run: a, weights } = await ground;
      const b = await openArrays(await openFile(join(folder, pair.file)));
      const { first, equal } = await compareRuns(a, b);
      const lined = await lineUp(a, b);
      const diagnosed = async (hasWeights: boolean) => {
        const given = hasWeights ? weights : undefined;
        const bias = given && (async (path: string) => given.numbers(`${path}.expert_bias`));
        const comparison = await compareRuns(...lined, { bias, precision });
        return { comparison, ...(await diagnose(comparison, given)) };
      };
      return {
        first: first?.name,
        isEqual: equal,
        diagnosed,
        async verdict(hasWeights) {
          const { comparison, ...found } = await diagnosed(hasWeights);
          const also = { ...(hasWeights ? {} : causesWithoutModel), ...(isOfOneLayer(b) ? causesInOneLayer : {}) };
          return isClean && comparison.equal
            ? ["right", undefined]
            : judged(names, found, also, precision !== undefined);
        },
        close: () => b.close(),
      };
    },
    async close() {
      for (const ground of grounds.values()) await (await ground).close();
    },
  };
}

function isOfOneLayer({ points }: RecordedRun): boolean {
  const layers = [...points.keys()].flatMap((name) => /^model\.layers\.(\d+)\./.exec(name)?.[1] ?? []);
  return new Set(layers).size === 1;
}

/**
 * @param also       causes that are right, too
 * @param isRounded  the runs differ by rounding as well, of which what is said beside a mistake is true
 */
function judged(
  names: readonly string[],
  { guess, next, hints }: Diagnosed,
  also: typeof causesOf,
  isRounded: boolean,
): Verdict {
  const all = guess === undefined ? next : [guess, ...next];
  const bugs = all.filter(({ kind }) => kind === "bug");
  const told = isRounded && bugs.length > 0 ? bugs : all;
  if (told.length === 0) return [hints.length > 0 ? "no name" : "silent", undefined];
  const groups = told.flatMap(({ cause, or = [] }) =>
    cause.split("+").map((one, i) => (i === 0 ? [one, ...or.map((other) => other.cause)] : [one])),
  );
  const isOf = (name: string, group: readonly string[]) =>
    [...(causesOf[name] ?? []), ...(also[name] ?? [])].some((cause) => group.includes(cause));
  const words = groups.map((group) => group.join(" or ")).join();
  const isWrong = groups.some((group) => !names.some((name) => isOf(name, group)));
  if (isWrong) return [guess?.kind === "precision" ? "cleared" : "wrong", words];
  return [names.every((name) => groups.some((group) => isOf(name, group))) ? "right" : "some", words];
}

async function prepare(folder: string, { model: name, ids }: Pair): Promise<Ground> {
  const path = name === "nano" ? golden("nano/hf") : join(folder, name);
  const file = existsSync(join(path, "model.gguf")) ? "model.gguf" : undefined;
  const checkpoint = await openCheckpoint(diskFolder(path), file);
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const run = recordRun(model, sequences[0], Int32Array.from(ids), { about });
  const again = await openCheckpoint(diskFolder(path), file);
  return { run, weights: modelWeights(again), close: () => Promise.all(again.files.map((file) => file.close())) };
}
