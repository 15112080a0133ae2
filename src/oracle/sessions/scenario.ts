// What a runtime that serves several sequences is asked to do, and what is known of each of them at every step.
import { refuse, show } from "../../formats/refusal.ts";

/** The ids of a step, by the sequence that they continue. */
export type StepIds = Readonly<Record<string, readonly number[]>>;

export type Action =
  /** Runs ids of one sequence or of several at once. A sequence that was not there begins. */
  | { readonly step: StepIds }
  /** Takes back what a sequence has read beyond its first `to` ids: a guess was rejected. */
  | { readonly rewind: string; readonly to: number }
  /** Ends a sequence; its slot is free. */
  | { readonly close: string }
  /** Begins a sequence with the first `to` ids of another one, from the cache; that one may have ended. */
  | { readonly open: string; readonly from: string; readonly to: number };

export interface Scenario {
  readonly name: string;
  /** All sequences begin in it, and end with it. */
  readonly actions: readonly Action[];
}

/** What befell a sequence since it last ran. */
export type Since =
  | { readonly what: "begun" }
  | { readonly what: "run" }
  | { readonly what: "rewound"; readonly dropped: readonly number[] }
  | { readonly what: "opened"; readonly from: string; readonly isRestored: boolean };

/** What one sequence is given in a step. */
export interface Chunk {
  readonly sequence: string;
  readonly ids: readonly number[];
  /** What it has read. */
  readonly before: readonly number[];
  readonly since: Since;
  /** Ids read when its last run began; 0 where there was none. */
  readonly lastBegan: number;
  /** By how many ids it is shorter, in the end, than the longest of the step: what a batch of one length is padded with. */
  readonly pads: number;
}

/** Another sequence, as it stands when a step begins. */
export interface Neighbour {
  readonly name: string;
  readonly ids: readonly number[];
  readonly isClosed: boolean;
}

export interface ScenarioStep {
  /** Its index among the actions. */
  readonly action: number;
  readonly chunks: readonly Chunk[];
  /** All that have begun in the scenario, in the order in which they did. */
  readonly sequences: readonly Neighbour[];
}

/** The scenario in which every sequence runs by itself. */
export const ALONE = "alone";

/** What a scenario may cost, since people may write one: all sequences together fit into one step of the engine. */
export const limits = { scenarios: 64, actions: 256, sequences: 8, ids: 64 } as const;

const MEND = "Correct sessions.json.";

interface State {
  ids: readonly number[];
  since: Since;
  lastBegan: number;
  isClosed: boolean;
}

/** The steps in order. @throws FormatError where an action cannot be done */
export function stepsOf(scenario: Scenario, file?: string): ScenarioStep[] {
  return walk(scenario, file).steps;
}

/** What its sequences have left behind in the end. */
export function leftBy(scenario: Scenario): Neighbour[] {
  const { sequences } = walk(scenario);
  return sequences.map(({ name, ids }) => ({ name: `${name} of ${scenario.name}`, ids, isClosed: true }));
}

function walk({ name, actions }: Scenario, file = "scenario") {
  const states = new Map<string, State>();
  const steps: ScenarioStep[] = [];
  for (const [index, action] of actions.entries()) {
    const subject = `${file}, ${name}, action ${index}`;
    const known = (sequence: string): State => {
      const state = states.get(sequence);
      if (state !== undefined) return state;
      const begun = [...states.keys()].join(", ") || "none";
      refuse(subject, `a sequence that has begun (${begun})`, show(sequence), MEND);
    };
    const live = (sequence: string): State => {
      const state = known(sequence);
      if (state.isClosed) refuse(subject, "a sequence that has not ended", show(sequence), MEND);
      return state;
    };
    const within = (to: number, { ids }: State): void => {
      if (to >= 1 && to <= ids.length) return;
      refuse(subject, `1 to ${ids.length} ids, as many as were read`, `${to}`, MEND);
    };
    const begin = (sequence: string, state: State): State => {
      const others = [...states.values()].filter(({ isClosed }) => !isClosed);
      if (states.has(sequence)) refuse(subject, "a new name", show(sequence), MEND);
      if (others.length >= limits.sequences) {
        refuse(subject, `at most ${limits.sequences} sequences at once`, `${others.length + 1}`, MEND);
      }
      states.set(sequence, state);
      return state;
    };

    if ("close" in action) {
      live(action.close).isClosed = true;
    } else if ("rewind" in action) {
      const state = live(action.rewind);
      within(action.to, state);
      const dropped = state.ids.slice(action.to);
      Object.assign(state, { ids: state.ids.slice(0, action.to), since: { what: "rewound", dropped } });
    } else if ("open" in action) {
      const source = known(action.from);
      within(action.to, source);
      const since = { what: "opened", from: action.from, isRestored: source.isClosed } as const;
      begin(action.open, { ids: source.ids.slice(0, action.to), since, lastBegan: 0, isClosed: false });
    } else {
      const chunks = Object.entries(action.step);
      for (const [sequence] of chunks) {
        if (!states.has(sequence))
          begin(sequence, { ids: [], since: { what: "begun" }, lastBegan: 0, isClosed: false });
      }
      const longest = Math.max(...chunks.map(([sequence, ids]) => live(sequence).ids.length + ids.length));
      if (longest > limits.ids) refuse(subject, `at most ${limits.ids} ids in a sequence`, `${longest}`, MEND);
      steps.push({
        action: index,
        chunks: chunks.map(([sequence, ids]) => {
          const { ids: before, since, lastBegan } = known(sequence);
          return { sequence, ids, before, since, lastBegan, pads: longest - before.length - ids.length };
        }),
        sequences: neighbours(states),
      });
      for (const [sequence, ids] of chunks) {
        const state = known(sequence);
        const { ids: before } = state;
        Object.assign(state, { ids: [...before, ...ids], since: { what: "run" }, lastBegan: before.length });
      }
    }
  }
  return { steps, sequences: neighbours(states) };
}

function neighbours(states: ReadonlyMap<string, State>): Neighbour[] {
  return [...states].map(([name, { ids, isClosed }]) => ({ name, ids, isClosed }));
}

/** Of the array of a step's logits. */
export function logitsName(scenario: string, action: number, sequence: string): string {
  return `${scenario}.${action}.${sequence}`;
}

/** Sequences that are there at once, and ids of the longest. */
export function sizeOf(scenarios: readonly Scenario[]): { readonly sequences: number; readonly ids: number } {
  const steps = scenarios.flatMap((scenario) => stepsOf(scenario));
  const atOnce = steps.map(({ sequences }) => sequences.filter(({ isClosed }) => !isClosed).length);
  const lengths = steps.flatMap(({ chunks }) => chunks.map(({ before, ids }) => before.length + ids.length));
  return { sequences: Math.max(...atOnce), ids: Math.max(...lengths) };
}
