// Who has which memory: what a sequence's convolutions remember with, and pages of keys and values.
import { isConvState, type LayerState } from "../model/state.ts";
import type { KvCache } from "../ops/ops.ts";
import { createPages, type Match, type Pages, wholePages } from "./pages.ts";
import { convStates, createSequence, type Model, pagesFor, reachOf } from "./sequence.ts";
import type { AloneTask, AnswerTask } from "./tasks.ts";

export interface Places {
  readonly pages: Pages;
  /** What it can go on from. Where a page to copy from would take the last room, only from pages that are shared. */
  matchOf(task: AnswerTask | AloneTask): Match;
  /** Whether there is a sequence free, and pages. */
  canBegin(task: AnswerTask | AloneTask, match: Match): boolean;
  /** Gives it a place. @returns whether there was one */
  begin(task: AnswerTask | AloneTask, match: Match): boolean;
  /** Takes its place back. @param isRight  whether what it has read may be gone on from */
  leave(task: AnswerTask | AloneTask, isRight: boolean): void;
}

const NOTHING: Match = { length: 0, saved: undefined, path: [], last: undefined };

/**
 * @param allSlots  for each sequence that there may be at once, what its layers remember with
 * @param count     pages
 */
export function createPlaces(
  { memory }: Model,
  allSlots: readonly (readonly LayerState[])[],
  count: number,
  contextLength: number,
): Places {
  const pages = createPages(count, 4 * allSlots.length);
  const slots = [...allSlots];
  const caches = (allSlots[0] ?? []).filter((state): state is KvCache => !isConvState(state));

  const copyPage = (from: number, to: number): void => {
    for (const cache of caches) memory.copyPage(cache, from, to);
  };
  /** Room for what it has to read, and for the next id. */
  const positionsOf = (task: AnswerTask | AloneTask): number =>
    task.kind === "answer" ? Math.min(task.answer.ids.length + 1, contextLength) : task.positions;
  const canBegin = (task: AnswerTask | AloneTask, match: Match): boolean =>
    slots.length > 0 && pages.available(match) >= pagesFor(positionsOf(task)) - match.path.length;

  return {
    pages,
    matchOf(task) {
      if (task.kind === "alone") return NOTHING;
      const { ids } = task.answer;
      const match = pages.match(ids, ids.length - 1);
      return match.last === undefined || canBegin(task, match) ? match : wholePages(match);
    },
    canBegin,
    begin(task, match) {
      const lease = pages.lease(match, positionsOf(task), copyPage);
      const slot = lease && slots.pop();
      if (lease === undefined || slot === undefined) return false;
      const sequence = createSequence(slot, contextLength, lease.pages);
      const states = convStates(sequence);
      if (task.kind === "answer") sequence.ids.push(...task.answer.ids.slice(0, match.length));
      if (match.saved !== undefined) {
        memory.restore(states, match.saved);
        sequence.next = match.length;
      } else {
        memory.reset(states);
        sequence.next = Math.max(0, match.length - reachOf(sequence));
      }
      task.place = { slot, lease, sequence };
      return true;
    },
    leave(task, isRight) {
      const { place } = task;
      if (place === undefined) return;
      const { lease, sequence, slot } = place;
      // In a replay, what the convolutions remember is not yet that of the last id.
      const isWhole = sequence.next === sequence.ids.length;
      const ids = isRight && task.kind === "answer" ? sequence.ids : [];
      pages.end(lease, ids, isRight && isWhole ? memory.save(convStates(sequence)) : undefined);
      slots.push(slot);
      task.place = undefined;
    },
  };
}
