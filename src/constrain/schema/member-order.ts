// Members of an object, or arguments of a call, in the order they are stated in.
import { type Expression, NOTHING, sequence } from "../grammar.ts";

/** A member of an object, or an argument of a call. */
export interface Member {
  readonly written: Expression;
  readonly isRequired: boolean;
}

/**
 * Members in their order, those that are not required or left out, with separators in between; then others.
 *
 * @param most  how many may be written in all
 */
export function inOrder(
  members: readonly Member[],
  separator: Expression,
  extra?: Expression,
  most?: number,
): Expression {
  // State (i, n): member i is next, and n were written; without a limit, n is 1 for any number but none.
  const counts = (most ?? 1) + 1;
  const edges: { on: Expression; to: number }[][] = [];
  for (let i = 0; i <= members.length; i++) {
    const isLast = i === members.length;
    const written = isLast ? extra : members[i].written;
    for (let n = 0; n < counts; n++) {
      const next = counts * (isLast ? i : i + 1);
      const out: { on: Expression; to: number }[] = [];
      if (written !== undefined && n !== most) {
        out.push({ on: n === 0 ? written : sequence(separator, written), to: next + Math.min(n + 1, counts - 1) });
      }
      if (!isLast && !members[i].isRequired) out.push({ on: NOTHING, to: next + n });
      edges.push(out);
    }
  }
  return { kind: "automaton", edges, accepting: edges.map((_, state) => state >= counts * members.length) };
}
