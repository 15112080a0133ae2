// Conversations on their way into another thread: plain data, and floats that stay floats.
import { PythonFloat } from "./exact-json.ts";

/**
 * A copy that can be cloned into another thread, of a value that checkSize has let pass. A PythonFloat, whose class would
 * be lost, becomes a list of one float64, which JSON cannot hold.
 */
export function toCloneable<T>(value: T): T {
  return mapLeaves(value, (leaf) => (leaf instanceof PythonFloat ? Float64Array.of(leaf.value) : leaf)) as T;
}

/** What toCloneable was given. */
export function fromCloneable<T>(value: T): T {
  return mapLeaves(value, (leaf) => (leaf instanceof Float64Array ? new PythonFloat(leaf[0]) : leaf)) as T;
}

function mapLeaves(value: unknown, write: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, write));
  if (typeof value !== "object" || value === null || isLeaf(value)) return write(value);
  const members = [...(value instanceof Map ? value : Object.entries(value))].map(
    ([key, member]) => [key, mapLeaves(member, write)] as const,
  );
  return value instanceof Map ? new Map(members) : Object.fromEntries(members);
}

const isLeaf = (value: object): boolean =>
  value instanceof PythonFloat || value instanceof Float64Array || value instanceof Date;
