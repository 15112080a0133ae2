// What the reader is about to ask, and asking it.
import { signal } from "@preact/signals";
import { answer } from "./answering.ts";
import { change, conversation } from "./conversations.ts";

export const draft = signal("");

/** On small screens one of the two lies over the conversation. */
export const drawer = signal<"" | "list" | "options">("");

/** Asks, with what was said after `at` turns forgotten. */
export function ask(text: string, at?: number): void {
  const shown = conversation();
  if (shown === undefined || text.trim() === "") return;
  change(shown.id, { turns: [...shown.turns.slice(0, at ?? shown.turns.length), { role: "user", content: text }] });
  void answer(shown.id);
}
