// A comparison from what is chosen and what the address names: sides are opened, or run here, and held against one another.
import { signal } from "@preact/signals";
import type { RowGap } from "../../oracle/compare/row-gaps.ts";
import { type Precision, precisions } from "../../oracle/compare/tolerance.ts";
import { type HeldRun, holdPieces } from "../../oracle/recorded/held-run.ts";
import { readyMaps } from "../../oracle/recorded/name-map.ts";
import { paddingBefore } from "../../oracle/recorded/padding.ts";
import { ownPoints } from "../../oracle/trace/own-points.ts";
import { planTrace } from "../../oracle/trace/trace-plan.ts";
import { formatBytes } from "../../quantities.ts";
import { idsOfPlace } from "../inside/running.ts";
import { exactSlot, modelTitle, type OpenModel } from "../model/models.ts";
import { param } from "../url.ts";
import { type Oracle, startOracle } from "./oracle.ts";
import type { Compared, Doing, OpenedSide, Side, WeightFiles } from "./protocol.ts";
import { type Recording, recordings } from "./recordings.ts";

export type Comparing =
  | { readonly is: "nothing" }
  | { readonly is: "doing"; readonly doing: Doing }
  | { readonly is: "there"; readonly compared: Compared; readonly ownSides: readonly Side[] }
  | { readonly is: "failed"; readonly message: string };

export const comparing = signal<Comparing>({ is: "nothing" });

/** Of a run that is made here. */
const MOST_BYTES = 500e6;

let oracle: Oracle | undefined;
let controller = new AbortController();

export const mapNames = Object.keys(readyMaps);
export const mapOf = (side: Side): string => mapNames.find((name) => name === param(`map-${side}`)) ?? "hf";
export const precision = (): Precision | undefined => precisions.find((name) => name === param("precision"));
/** Edits begin with a letter and hold no space, so one parameter holds them all. */
export const statedEdits = (): string[] => (param("edit") ?? "").split(" ").filter((edit) => edit !== "");
export const usesWeights = (): boolean => param("weights") !== "no";

/** Ends what is under way. */
export function stopComparing(): void {
  controller.abort();
  oracle?.end();
  oracle = undefined;
  comparing.value = { is: "nothing" };
}

/** Compares what there is; nothing where there is no second side. */
export function startComparing(): void {
  stopComparing();
  const { a, b } = recordings.peek();
  const edits = statedEdits();
  if (b === undefined && edits.length === 0) return;
  controller = new AbortController();
  const { signal } = controller;
  oracle = startOracle();
  compare(oracle, a, b, edits, signal).then(
    (found) => {
      if (!signal.aborted) comparing.value = { is: "there", ...found };
    },
    (error: Error) => {
      if (!signal.aborted) comparing.value = { is: "failed", message: error.message };
    },
  );
}

/** Position by position at a point of what was compared. */
export async function rowsOf(point: string): Promise<readonly RowGap[] | undefined> {
  return oracle?.ask({ kind: "rows", point });
}

async function compare(
  oracle: Oracle,
  chosenA: Recording | undefined,
  chosenB: Recording | undefined,
  edits: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly compared: Compared; readonly ownSides: readonly Side[] }> {
  const tell = (doing: Doing): void => {
    if (!signal.aborted) comparing.value = { is: "doing", doing };
  };
  const tellWhat = (what: string): void => tell({ what, done: 0, total: 0 });
  const open = async (side: Side, { name, files }: Recording): Promise<OpenedSide> => {
    tellWhat(`Opening ${name}`);
    return oracle.ask({ kind: "open", side, folder: name, files, map: mapOf(side) });
  };
  const hold = async (side: Side, run: HeldRun): Promise<void> => {
    await oracle.ask({ kind: "hold", side, run }, { transfer: run.points.map(({ data }) => data.buffer) });
  };
  const a = chosenA && (await open("a", chosenA));
  const b = chosenB && (await open("b", chosenB));
  const needsModel = a === undefined || b === undefined || usesWeights();
  if (needsModel) tellWhat("Opening the model in exact float32");
  const opened = needsModel ? await exactSlot.get() : undefined;
  signal.throwIfAborted();
  const ownSides: Side[] = [];
  if (opened !== undefined && (a === undefined || b === undefined)) {
    const ids = await idsOf(opened, a ?? b, (chosenA ?? chosenB)?.name ?? "", signal);
    for (const [side, changes] of [
      ["a", []],
      ["b", edits],
    ] as const) {
      if ((side === "a" ? a : b) !== undefined) continue;
      const what = changes.length === 0 ? "Running the model here" : `Running the model here with ${changes.join(" ")}`;
      const wanted = new Set((a ?? b)?.points);
      ownSides.push(side);
      await hold(
        side,
        await runHere(opened, ids, changes, wanted, signal, (done, total) => tell({ what, done, total })),
      );
      signal.throwIfAborted();
    }
  }
  tellWhat("Comparing points");
  const compared = await oracle.ask(
    { kind: "compare", weights: opened && usesWeights() ? weightFiles(opened) : undefined, precision: precision() },
    { onDoing: tell },
  );
  return { compared, ownSides };
}

/** That the recording ran on, or the address names. */
async function idsOf(
  opened: OpenModel,
  recorded: OpenedSide | undefined,
  name: string,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const stated = recorded?.ids ?? (recorded === undefined || param("ids") !== undefined ? undefined : null);
  if (stated === null) {
    throw new Error(`${name}: expected input_ids beside its tensors, found none. Record them, or type the ids below.`);
  }
  if (stated === undefined) return (await idsOfPlace(opened, signal)).ids;
  return stated.slice(paddingBefore(stated, opened.model.checkpoint.config.pad_token_id));
}

/** @throws Error saying what does not fit; what the model throws */
async function runHere(
  { model }: OpenModel,
  ids: readonly number[],
  edits: readonly string[],
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<HeldRun> {
  const points = ownPoints(model.config, ids.length, (name) => wanted.has(name), MOST_BYTES, edits);
  const choice = { ...(points && { points }), edits };
  const plan = planTrace(model.config, ids.length, choice);
  if (plan.bytes > MOST_BYTES) {
    throw new Error(
      `A run of ${ids.length} ids: expected at most ${formatBytes(MOST_BYTES)} to compare in a page, found ${formatBytes(plan.bytes)}. Record fewer positions, or use lfm2 compare.`,
    );
  }
  const pieces = model.trace(ids, { ...choice, signal, onProgress: ({ done, total }) => onProgress(done, total) });
  const { backend, mode, kvType } = model.settings;
  const about = { config: model.checkpoint.config, model: modelTitle.peek(), backend, mode, kvType };
  const name = edits.length === 0 ? "run here" : `run here with ${edits.join(" ")}`;
  return { name, ids, about, points: await holdPieces(plan, pieces) };
}

function weightFiles({ model: { checkpoint } }: OpenModel): WeightFiles {
  const { config, tensors, files } = checkpoint;
  return { config, tensors, files: files.map(({ descriptor }) => descriptor) };
}
