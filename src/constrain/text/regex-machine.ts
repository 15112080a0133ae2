// The automaton of a regular expression: its parts joined by edges that consume nothing, then made deterministic.
import type { Budget } from "../budget.ts";
import { tooLarge } from "../error.ts";
import { ANY, type Characters } from "./characters.ts";
import { determine } from "./determine.ts";
import { type Machine, trimmed } from "./machine.ts";
import type { Regex } from "./regex.ts";

/** Of the nondeterministic automaton, once its repetitions are written out. */
const MAX_PARTS = 10_000;

/**
 * @param whole  whether a word has to match from its beginning to its end, or somewhere, as `RegExp.test` has it
 * @throws ConstraintError when the machine would be too large
 */
export function regexMachine(
  regex: Regex,
  subject: string,
  budget: Budget,
  { whole }: { readonly whole: boolean },
): Machine {
  const parts = sizeOf(regex);
  if (parts > MAX_PARTS) {
    tooLarge(
      subject,
      `an automaton of at most ${MAX_PARTS} parts once its repetitions are written out`,
      "Repeat less.",
    );
  }
  const steps: { on: Characters; to: number }[][] = [];
  const free: { to: number; only?: "start" | "end" }[][] = [];
  const node = (): number => {
    free.push([]);
    return steps.push([]) - 1;
  };
  const emit = (piece: Regex, from: number): number => {
    switch (piece.kind) {
      case "characters": {
        const to = node();
        steps[from].push({ on: piece.set, to });
        return to;
      }
      case "start":
      case "end": {
        const to = node();
        free[from].push({ to, only: piece.kind });
        return to;
      }
      case "sequence":
        return piece.parts.reduce((at, part) => emit(part, at), from);
      case "choice": {
        const to = node();
        for (const part of piece.parts) free[emit(part, from)].push({ to });
        return to;
      }
      case "repeat": {
        let at = from;
        for (let i = 0; i < piece.min; i++) at = emit(piece.of, at);
        if (piece.max === Number.POSITIVE_INFINITY) {
          const loop = node();
          free[at].push({ to: loop });
          free[emit(piece.of, loop)].push({ to: loop });
          return loop;
        }
        const to = node();
        free[at].push({ to });
        for (let i = piece.min; i < piece.max; i++) {
          at = emit(piece.of, at);
          free[at].push({ to });
        }
        return to;
      }
    }
  };
  const first = node();
  if (!whole) steps[first].push({ on: ANY, to: first });
  const begin = node();
  free[first].push({ to: begin });
  const last = emit(regex, begin);
  if (!whole) steps[last].push({ on: ANY, to: last });
  return trimmed(determine({ steps, free }, first, last, subject, budget));
}

function sizeOf(regex: Regex): number {
  if (regex.kind === "repeat") {
    const times = regex.max === Number.POSITIVE_INFINITY ? regex.min + 1 : Math.max(1, regex.max);
    return 1 + times * sizeOf(regex.of);
  }
  if (regex.kind === "sequence" || regex.kind === "choice") {
    return regex.parts.reduce((sum, part) => sum + sizeOf(part), 1);
  }
  return 1;
}
