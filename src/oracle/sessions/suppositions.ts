// What a runtime may have remembered of a sequence in place of what it should have, fault by fault.
import type { Chunk, Neighbour, ScenarioStep } from "./scenario.ts";

/** The faults, and what each is called. */
export const faults = {
  "another-sequence": "another sequence's state was read",
  "slot-not-zeroed": "a slot was reused without zeroing its state",
  "not-rolled-back": "the state was not rolled back after a rejected guess",
  "lost-on-hit": "the state was lost on a cache hit",
  "lost-on-restore": "the state was lost when a closed sequence was taken up again",
  "lost-between-steps": "the state was lost between two steps of a sequence",
  "offset-not-advanced": "the offset was not advanced",
  "padding-not-masked": "padding was not masked",
  "neighbour-length": "the answer depends on the neighbours' length",
} as const;

export type Fault = keyof typeof faults;

/** What was remembered when the chunk ran. */
export interface Supposition {
  readonly fault: Fault;
  /** What the convolutions remembered, and what attention did. */
  readonly says: string;
  /** The convolutions remember the last of these ids; none is zeros. */
  readonly conv: readonly number[];
  /** Attention has the keys and values of these. */
  readonly kv: readonly number[];
  /** Besides, it sees so many rows of zeros. */
  readonly zeros?: number;
  /** RoPE's position of the chunk's first id. */
  readonly position: number;
  /** Each convolution has the state of the next one, and the last one none. */
  readonly isShifted?: boolean;
  /** Attention gave nothing while `conv` was read, as where a mask leaves a row nothing to see. */
  readonly isBlind?: boolean;
}

/**
 * Those of the chunk in its step; none of them is what is right.
 * @param earlier  what sequences before the scenario may have left in their slots
 */
export function suppositions(
  chunk: Chunk,
  { chunks, sequences }: ScenarioStep,
  pad: number,
  earlier: readonly Neighbour[],
): Supposition[] {
  const others = [...sequences.filter(({ name }) => name !== chunk.sequence), ...earlier];
  const all = [
    ...padding(chunk, pad),
    ...lost(chunk),
    ...notRolledBack(chunk),
    ...others.flatMap((other) => otherState(chunk, other, chunks)),
    ...offsets(chunk),
  ];
  const right = keyOf({ conv: chunk.before, kv: chunk.before, position: chunk.before.length });
  const known = new Set([right]);
  return all.filter((one) => {
    const key = keyOf(one);
    return !known.has(key) && known.add(key);
  });
}

function keyOf({ conv, kv, zeros = 0, position, isShifted, isBlind }: Omit<Supposition, "fault" | "says">): string {
  return [conv.join(), kv.join(), zeros, position, isShifted, isBlind].join(";");
}

function padding({ before, ids, pads }: Chunk, pad: number): Supposition[] {
  if (pads === 0) return [];
  const padded = [...before, ...Array.from({ length: pads }, () => pad)];
  const count = pads === 1 ? "a row of padding" : `${pads} rows of padding`;
  const [position, after] = [before.length, padded.length];
  if (before.length > 0) {
    return [
      { fault: "padding-not-masked", says: `the convolutions remembered ${count}`, conv: padded, kv: before, position },
      { fault: "neighbour-length", says: `it went on after ${count}`, conv: padded, kv: padded, position: after },
      { fault: "neighbour-length", says: `positions counted ${count}`, conv: before, kv: before, position: after },
      ...[position, after].map((position): Supposition => {
        const says = `attention saw ${count}, zeros`;
        return { fault: "neighbour-length", says, conv: before, kv: before, zeros: pads, position };
      }),
    ];
  }
  const read = `its ${ids.length} ids came after ${count}, and these`;
  return [
    { fault: "padding-not-masked", says: `${read} entered the convolutions`, conv: padded, kv: [], position: 0 },
    {
      fault: "padding-not-masked",
      says: `${read} entered the convolutions, though attention gave them nothing`,
      ...{ conv: padded, kv: [], position: 0, isBlind: true },
    },
    { fault: "padding-not-masked", says: `${read} attention saw`, conv: [], kv: padded, position: after },
    { fault: "padding-not-masked", says: `${read} attention saw`, conv: [], kv: padded, position: 0 },
    { fault: "neighbour-length", says: `${read} were read like any ids`, conv: padded, kv: padded, position: after },
  ];
}

/** After what befell the sequence, its state was gone. */
function lost({ before, since, lastBegan }: Chunk): Supposition[] {
  const position = before.length;
  if (position === 0) return [];
  const fault: Fault =
    since.what === "opened" ? (since.isRestored ? "lost-on-restore" : "lost-on-hit") : "lost-between-steps";
  const found: Supposition[] = [
    { fault, says: "the convolutions remembered nothing", conv: [], kv: before, position },
    {
      fault,
      says: "each convolution had the state of the next one",
      conv: before,
      kv: before,
      position,
      isShifted: true,
    },
    { fault, says: "attention had no keys and values of it", conv: before, kv: [], position },
    {
      fault,
      says: "attention had no keys and values of it, and positions began at 0",
      conv: before,
      kv: [],
      position: 0,
    },
    { fault, says: "nothing was remembered, and positions began at 0", conv: [], kv: [], position: 0 },
    { fault, says: "nothing was remembered", conv: [], kv: [], position },
  ];
  if (since.what !== "run") return found;
  const says = "the convolutions remembered what they had before its last step";
  return [...found, { fault, says, conv: before.slice(0, lastBegan), kv: before, position }];
}

function notRolledBack({ before, since, lastBegan }: Chunk): Supposition[] {
  if (since.what !== "rewound") return [];
  const { dropped } = since;
  const fault = "not-rolled-back";
  const position = before.length;
  const read = Array.from(dropped, (_, i) => [...before, ...dropped.slice(0, dropped.length - i)]);
  return [
    ...read.map((conv): Supposition => {
      const says = `the convolutions remembered the rejected ${idsOf(conv.slice(before.length))}`;
      return { fault, says, conv, kv: before, position };
    }),
    ...read.flatMap((kv): Supposition[] => {
      const rejected = `the rejected ${idsOf(kv.slice(before.length))}`;
      return [
        { fault, says: `attention saw ${rejected}`, conv: before, kv, position: kv.length },
        { fault, says: `attention saw ${rejected}`, conv: before, kv, position },
        { fault, says: `it went on after ${rejected}`, conv: kv, kv, position: kv.length },
      ];
    }),
    ...Array.from({ length: position - lastBegan }, (_, i): Supposition => {
      const conv = before.slice(0, lastBegan + i);
      return { fault, says: `the convolutions were rolled back to ${conv.length} ids`, conv, kv: before, position };
    }),
  ];
}

function otherState({ before, since }: Chunk, other: Neighbour, chunks: readonly Chunk[]): Supposition[] {
  const position = before.length;
  const fault: Fault = position === 0 && other.isClosed ? "slot-not-zeroed" : "another-sequence";
  const beside = chunks.find(({ sequence }) => sequence === other.name);
  // One that runs in the same step may have run before.
  const states = beside === undefined ? [other.ids] : [other.ids, [...other.ids, ...beside.ids]];
  return states.flatMap((ids): Supposition[] => {
    if (ids.length === 0) return [];
    const whose = `${other.name}'s after ${ids.length} ids${describe(other, since)}`;
    const first = ids.slice(0, position);
    const hasFirst = position > 0 && first.length === position;
    return [
      { fault, says: `the convolutions' state was ${whose}`, conv: ids, kv: before, position },
      { fault, says: `the whole state was ${whose}`, conv: ids, kv: ids, position: ids.length },
      { fault, says: `attention's keys and values were ${whose}`, conv: before, kv: ids, position: ids.length },
      ...(hasFirst
        ? [
            { fault, says: `attention's keys and values were ${whose}`, conv: before, kv: first, position },
            { fault, says: `the whole state was ${whose}`, conv: ids, kv: first, position },
          ]
        : []),
    ];
  });
}

function describe({ name, isClosed }: Neighbour, since: Chunk["since"]): string {
  if (since.what === "opened" && since.from === name) return ", all that it was opened from had read";
  return isClosed ? ", which had ended" : "";
}

function offsets({ before, lastBegan }: Chunk): Supposition[] {
  const end = before.length;
  if (end === 0) return [];
  const fault = "offset-not-advanced";
  const wrong = [...new Set([0, lastBegan, end - 1, end + 1])].filter((position) => position !== end);
  return [
    ...wrong.map((position): Supposition => {
      const says = `RoPE began at position ${position}, after ${end} ids`;
      return { fault, says, conv: before, kv: before, position };
    }),
    ...wrong
      .filter((position) => position < end)
      .map((position): Supposition => {
        const says = `positions, and the places of keys and values, began at ${position}, after ${end} ids`;
        return { fault, says, conv: before, kv: before.slice(0, position), position };
      }),
  ];
}

function idsOf(ids: readonly number[]): string {
  return ids.length === 1 ? `id ${ids[0]}` : `ids ${ids.join(", ")}`;
}
