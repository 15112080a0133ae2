// Which bank holds which layer: 8.3 B weights at 4.5 bits are 4.35 GiB, and one memory ends at 4.

import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";
import type { KvType, StateSpec, StoredWeight } from "../ops/backend.ts";
import { aligned, MemoryError, PAGE_BYTES, RESERVED_BYTES } from "./bank.ts";
import { kvHeadBytes, kvTypes, STRIP_ROWS, stripBytes } from "./sizes.ts";

export interface PlannedBank {
  /** Paths: `model.layers.4`, or `model` for embedding, final norm and head. */
  readonly units: readonly string[];
  readonly weightBytes: number;
  readonly stateBytes: number;
  /** Together with working space, in whole pages. */
  readonly bytes: number;
}

export interface BankPlan {
  readonly banks: readonly PlannedBank[];
  /** Bank of each unit. */
  readonly bankOf: ReadonlyMap<string, number>;
  /** Working space of every bank. */
  readonly workBytes: number;
}

/** The part of the model that a weight or a state belongs to; it is never split. */
export function unitOf(path: string): string {
  return /^model\.layers\.\d+/.exec(path)?.[0] ?? "model";
}

/** A weight, and how the backend will hold it. */
export interface PlannedWeight extends StoredWeight {
  readonly packed: boolean;
}

export function weightBytes({ experts, rows, cols, format, packed }: PlannedWeight): number {
  const blocks = blockFormats[format as FormatName];
  return experts * (packed ? (rows / STRIP_ROWS) * stripBytes(blocks.ggmlType, cols) : rows * rowBytes(blocks, cols));
}

export function stateBytes(spec: StateSpec, kvType: KvType): number {
  if (spec.type === "conv") return 2 * aligned((spec.spare + spec.width - 1) * spec.cols * 4); // current and next
  return 2 * kvBytes(spec, kvType);
}

/** Keys or values of one layer. */
export function kvBytes(spec: StateSpec & { type: "full_attention" }, kvType: KvType): number {
  const kvHeads = spec.cols / spec.headDim;
  return aligned(spec.capacity * kvHeads * kvHeadBytes(kvTypes[kvType], spec.headDim));
}

/**
 * Fills banks with whole units, in the order of the graph.
 * @param workBytes  hidden state and arena, needed in every bank
 * @param bankBytes  the most a bank may take
 * @throws MemoryError when one unit alone does not fit
 */
export function planBanks(
  request: { weights: readonly PlannedWeight[]; states: readonly StateSpec[]; kvType: KvType },
  workBytes: number,
  bankBytes: number,
): BankPlan {
  const units = new Map<string, { weightBytes: number; stateBytes: number }>();
  const unit = (path: string) => {
    const name = unitOf(path);
    const found = units.get(name) ?? { weightBytes: 0, stateBytes: 0 };
    units.set(name, found);
    return found;
  };
  for (const weight of request.weights) unit(weight.path).weightBytes += aligned(weightBytes(weight));
  for (const state of request.states) unit(state.layer).stateBytes += aligned(stateBytes(state, request.kvType));

  const fixed = RESERVED_BYTES + workBytes;
  const mostBytes = Math.floor(bankBytes / PAGE_BYTES) * PAGE_BYTES;
  const banks: { units: string[]; weightBytes: number; stateBytes: number }[] = [];
  const bankOf = new Map<string, number>();
  for (const [name, need] of units) {
    const bytes = need.weightBytes + need.stateBytes;
    if (fixed + bytes > mostBytes) {
      throw new MemoryError({
        subject: name,
        expected: `at most ${mostBytes - fixed} bytes (a bank of ${bankBytes} less working space)`,
        found: `${bytes}, ${need.stateBytes} of them for the context`,
        remedy: "Use a smaller context or quantization.",
      });
    }
    let last = banks.at(-1);
    if (last === undefined || fixed + last.weightBytes + last.stateBytes + bytes > mostBytes) {
      last = { units: [], weightBytes: 0, stateBytes: 0 };
      banks.push(last);
    }
    last.units.push(name);
    last.weightBytes += need.weightBytes;
    last.stateBytes += need.stateBytes;
    bankOf.set(name, banks.length - 1);
  }
  return {
    banks: banks.map((bank) => ({
      ...bank,
      bytes: Math.ceil((fixed + bank.weightBytes + bank.stateBytes) / PAGE_BYTES) * PAGE_BYTES,
    })),
    bankOf,
    workBytes,
  };
}
