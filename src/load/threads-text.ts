// How many threads a model has, and how many of them compute, in words.
import type { Settings } from "./settings.ts";

/** `2 threads`; where nobody chose them, `2 of 4 threads, measured`. */
export function threadsText({ threads, computing }: Pick<Settings, "threads" | "computing">): string {
  const all = threads === 1 ? "1 thread" : `${threads} threads`;
  if (computing === undefined || threads === 1) return all;
  const { decode, prompt } = computing;
  const prompts = prompt === decode ? "" : ` (${prompt} for prompts)`;
  return `${decode}${prompts} of ${all}, measured`;
}
