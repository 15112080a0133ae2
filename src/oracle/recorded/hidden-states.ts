// What `output_hidden_states` gives, under the numbers it has there: one early, and after the last layer the norm's output.
import { distance } from "./nearness.ts";
import { EMBEDDING, FINAL_NORM, layerPoint, placeInLayer } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

/** Of the same tensor, from two programs in whatever precision; what a layer adds is far more. */
const SAME = 0.02;
const STATE = /^hidden_states\.(\d{1,4})$/;

/** `hidden_states.N` by the number of our layers, where that is known: a file may hold the first ones alone. */
export function renumberedStates({ about }: RecordedRun, theirs: RecordedRun): RecordedRun {
  const layers = about?.config.num_hidden_layers;
  if (typeof layers !== "number") return theirs;
  const stateOf = ({ foreignName = "" }: RecordedPoint): string | undefined => STATE.exec(foreignName)?.[1];
  const all = [...theirs.points];
  const points = new Map(all.filter(([, point]) => stateOf(point) === undefined));
  for (const [, point] of all) {
    const state = stateOf(point);
    if (state === undefined) continue;
    const name = nameOfState(Number(state), layers);
    if (!points.has(name)) points.set(name, { ...point, name });
  }
  return { ...theirs, points };
}

/** The embedding, what each layer gives, but of the last one the norm's output. */
function nameOfState(state: number, layers: number): string {
  if (state === 0) return EMBEDDING;
  return state === layers ? FINAL_NORM : layerPoint(state - 1, "");
}

/** The same run under the graph's names, where its numbers say that it has others. */
export async function hiddenStatesRenamed(
  ours: RecordedRun,
  theirs: RecordedRun,
  notes: string[],
): Promise<RecordedRun> {
  if (theirs.about !== undefined) return theirs;
  const isSame = async (own: string, other: string): Promise<boolean> => {
    const [x, y] = [ours.points.get(own), theirs.points.get(other)];
    return x !== undefined && y !== undefined && x.rows === y.rows && (await distance(x, 0, y, 0)) < SAME;
  };
  const [layer0, layers] = [layerPoint(0, ""), countLayers(ours)];
  // A runtime that skips its first layer has the embedding there, too, but not that layer's output in the next place.
  const isEarly = (await isSame(EMBEDDING, layer0)) && (await isSame(layer0, layerPoint(1, "")));
  if (!(await isSame(layer0, layer0)) && isEarly) {
    notes.push(`layers numbered one early, as output_hidden_states has them: its ${layer0} is ${EMBEDDING}`);
    return renamed(theirs, (layer) => nameOfState(layer, layers));
  }
  const last = layerPoint(layers - 1, "");
  if (!(await isSame(last, last)) && (await isSame(FINAL_NORM, last))) {
    notes.push(`the last layer's output taken after the norm: its ${last} is ${FINAL_NORM}`);
    return renamed(theirs, (layer) => (layer === layers - 1 ? FINAL_NORM : layerPoint(layer, "")));
  }
  return theirs;
}

function countLayers({ points }: RecordedRun): number {
  return [...points.keys()].reduce((most, name) => Math.max(most, (placeInLayer(name)?.layer ?? -1) + 1), 0);
}

/** What the layers' outputs are called; a name that the run has already stays what it is. */
function renamed(run: RecordedRun, nameOf: (layer: number) => string): RecordedRun {
  const points = new Map<string, RecordedPoint>();
  const isOutput = (name: string): boolean => placeInLayer(name)?.part === "";
  for (const [name, point] of run.points) if (!isOutput(name)) points.set(name, point);
  for (const [name, point] of run.points) {
    if (!isOutput(name)) continue;
    const to = nameOf(placeInLayer(name)?.layer ?? 0);
    if (!points.has(to)) points.set(to, { ...point, name: to });
  }
  return { ...run, points };
}
