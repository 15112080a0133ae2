// The run that is looked at: made from what the address names, or dropped in.
import { effect, signal } from "@preact/signals";
import { exactSlot, modelName, type OpenModel } from "../model/models.ts";
import { param } from "../url.ts";
import { MOST_TOKENS, runDropped, runHere, type SeenRun } from "./seen-run.ts";

export type Running =
  | { readonly is: "nothing" }
  | { readonly is: "running"; readonly what: string }
  | { readonly is: "there"; readonly run: SeenRun; readonly texts: readonly string[]; readonly isGrowing: boolean }
  | { readonly is: "failed"; readonly message: string };

export const running = signal<Running>({ is: "nothing" });
export const isDropped = signal(false);

export const FIRST_PROMPT = "What is a short convolution?";
/** Of an answer that is made for the look inside. */
export const ANSWER_TOKENS = 64;

let controller = new AbortController();
/** What the last run was made from: a step from token to token changes the address, too. */
let last = "";

/** The ids that the address names, and where the answer begins among them; `isWhole`: no answer is to be written. */
export async function idsOfPlace(
  { model }: OpenModel,
  signal: AbortSignal,
): Promise<{ readonly ids: readonly number[]; readonly answerFrom: number; readonly isWhole: boolean }> {
  const stated = param("ids");
  if (stated !== undefined) {
    const ids = stated.split(",").slice(0, MOST_TOKENS).map(Number);
    const answerFrom = Math.min(ids.length, Math.max(0, Number(param("answer") ?? ids.length) || 0));
    return { ids, answerFrom, isWhole: true };
  }
  const ids = await model.encodeChat([{ role: "user", content: param("prompt") ?? FIRST_PROMPT }], { signal });
  if (ids.length <= MOST_TOKENS) return { ids, answerFrom: ids.length, isWhole: false };
  throw new Error(`The prompt has ${ids.length} tokens; ${MOST_TOKENS} can be looked at.`);
}

/** The prompt and an answer: the likeliest tokens, or with the address's seed as the model's makers recommend. */
export async function withAnswer(
  { model }: OpenModel,
  prompt: readonly number[],
  edits: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const stated = param("seed") ?? "";
  const seed = Number(stated);
  const sampling = /^\d{1,15}$/.test(stated) ? { ...model.recommended.sampling, seed } : {};
  const ids = [...prompt];
  const maxTokens = Math.min(ANSWER_TOKENS, MOST_TOKENS + 1 - prompt.length);
  for await (const id of model.generate(prompt, { ...sampling, maxTokens, edits, signal })) ids.push(id);
  return ids.slice(0, MOST_TOKENS);
}

/** Makes the run anew whenever the address names another; ends when `stop` is called. */
export function followPlace(): () => void {
  return effect(() => {
    const wanted = ["prompt", "ids", "answer", "seed"]
      .map((name) => param(name) ?? "")
      .concat(modelName.value)
      .join("\n");
    if (isDropped.value || wanted === last) return;
    last = wanted;
    controller.abort();
    controller = new AbortController();
    void run(controller.signal);
  });
}

async function run(signal: AbortSignal): Promise<void> {
  running.value = { is: "running", what: "Opening the model in exact float32…" };
  try {
    const opened = await exactSlot.get();
    signal.throwIfAborted();
    const { ids, answerFrom, isWhole } = await idsOfPlace(opened, signal);
    const show = async (seenIds: readonly number[]): Promise<void> => {
      const seen = await runHere(opened, seenIds, answerFrom, [], signal);
      const texts = seenIds.map((id) => opened.tokenizer.textOf(id));
      if (!signal.aborted) running.value = { is: "there", run: seen, texts, isGrowing: !isWhole && seenIds === ids };
    };
    await show(ids); // the prompt is there before the answer is written
    if (!isWhole) await show(await withAnswer(opened, ids, [], signal));
  } catch (error) {
    if (signal.aborted) return;
    last = "";
    running.value = { is: "failed", message: (error as Error).message };
  }
}

export async function drop(files: readonly File[]): Promise<void> {
  controller.abort();
  isDropped.value = true;
  running.value = { is: "running", what: "Reading the trace…" };
  try {
    const seen = await runDropped(files);
    const opening = exactSlot.opening.value;
    const isSame = opening.is === "open" && opening.model.config.vocabSize === seen.config.vocabSize;
    const texts = seen.ids.map((id) => (isSame ? opening.tokenizer.textOf(id) : `#${id}`));
    running.value = { is: "there", run: seen, texts, isGrowing: false };
  } catch (error) {
    running.value = { is: "failed", message: (error as Error).message };
  }
}

export function leaveDropped(): void {
  last = "";
  isDropped.value = false;
}
