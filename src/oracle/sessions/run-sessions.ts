// Scenarios on this project's own engine: each sequence by itself, and all of them as a server runs them.
import { advance, type Model, restart, rewind, type Sequence } from "../../engine/sequence.ts";
import { lmHead } from "../../model/model.ts";
import type { Tensor } from "../../ops/ops.ts";
import { type Chunk, logitsName, type Scenario, stepsOf } from "./scenario.ts";

/** A model, and room for as many sequences as a scenario has at once. */
export interface SessionModel {
  readonly model: Model;
  readonly sequences: readonly Sequence[];
}

/** Called between steps; rejects when the caller has given up. */
export type Pause = () => Promise<void>;

/** Logits after the last id of every chunk [vocab], by name, in the order of the steps. */
export type SessionLogits = AsyncGenerator<readonly [name: string, logits: Float32Array], void>;

/** What every step has to give: a sequence's logits are those of its ids alone, whatever runs beside it. */
export async function* eachAlone(on: SessionModel, scenarios: readonly Scenario[], pause: Pause): SessionLogits {
  for (const scenario of scenarios) {
    for (const { action, chunks } of stepsOf(scenario)) {
      for (const { sequence, before, ids } of chunks) {
        await pause();
        yield [logitsName(scenario.name, action, sequence), logitsAlone(on, [...before, ...ids])];
      }
    }
  }
}

function logitsAlone({ model, sequences: [sequence] }: SessionModel, ids: readonly number[]): Float32Array {
  restart(model, sequence);
  return lastLogits(model, advance(model, [{ sequence, ids }]), ids.length);
}

/** Logits of the last of `rows` rows of a step that begins with them [vocab]. */
export function lastLogits({ ops, memory, weights }: Model, h: Tensor, rows: number): Float32Array {
  return memory.read(lmHead(ops, weights, ops.rows(h, rows - 1, 1)));
}

/** The same by way of slots, rewinding, and steps of several sequences. */
export async function* allTogether(on: SessionModel, scenarios: readonly Scenario[], pause: Pause): SessionLogits {
  for (const { name, actions } of scenarios) {
    const slots = createSlots(on);
    for (const [index, action] of actions.entries()) {
      await pause();
      if ("close" in action) slots.close(action.close);
      else if ("rewind" in action) rewind(on.model, slots.of(action.rewind), action.to);
      else if ("open" in action) slots.open(action.open, action.from, action.to);
      else {
        const chunks = Object.entries(action.step);
        for (const [sequence, logits] of stepTogether(on.model, slots, chunks)) {
          yield [logitsName(name, index, sequence), logits];
        }
      }
    }
  }
}

function stepTogether(
  model: Model,
  slots: Slots,
  chunks: readonly (readonly [sequence: string, ids: Chunk["ids"]])[],
): (readonly [string, Float32Array])[] {
  const step = chunks.map(([name, ids]) => {
    const sequence = slots.of(name);
    // What a rewound sequence has to run once more comes first.
    return { sequence, ids: [...sequence.ids.slice(sequence.next), ...ids] };
  });
  const h = advance(model, step);
  let end = 0;
  return chunks.map(([name], i) => {
    end += step[i].ids.length;
    return [name, lastLogits(model, h, end)];
  });
}

interface Slots {
  /** The sequence's slot: its own, or the first free one, emptied. */
  of(name: string): Sequence;
  close(name: string): void;
  /** In the slot of `from`, where that has ended and nobody has taken it since; otherwise its ids are read again. */
  open(name: string, from: string, to: number): void;
}

function createSlots({ model, sequences }: SessionModel): Slots {
  const used = new Map<string, Sequence>();
  /** What those that have ended had read, for as long as it stays in a slot. */
  const left = new Map<string, Sequence>();
  const read = new Map<string, readonly number[]>();
  const take = (name: string, sequence: Sequence): Sequence => {
    for (const [ended, slot] of left) if (slot === sequence) left.delete(ended);
    used.set(name, sequence);
    return sequence;
  };
  const slots: Slots = {
    of(name) {
      const own = used.get(name);
      if (own !== undefined) return own;
      const taken = new Set(used.values());
      const free = sequences.find((sequence) => !taken.has(sequence)) as Sequence;
      restart(model, free);
      return take(name, free);
    },
    close(name) {
      const sequence = slots.of(name);
      used.delete(name);
      left.set(name, sequence);
      read.set(name, [...sequence.ids]);
    },
    open(name, from, to) {
      const slot = left.get(from);
      if (slot !== undefined) return rewind(model, take(name, slot), to);
      const ids = used.get(from)?.ids ?? read.get(from) ?? [];
      advance(model, [{ sequence: slots.of(name), ids: ids.slice(0, to) }]);
    },
  };
  return slots;
}
