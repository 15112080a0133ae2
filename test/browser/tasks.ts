// What the tests ask of a model, in a page and in Node alike. Each task is a function of its arguments only.
import type { Json, Library } from "./every-engine.ts";

type Format = { readonly type: "json_schema"; readonly schema: { readonly [key: string]: Json } };
type Options = { temperature?: number; seed?: number; maxTokens?: number };

/** New ids of the embedded model after `ids`. */
export async function newIds(
  lfm2: Library,
  { ids, options }: { ids: readonly number[]; options: Options },
): Promise<number[]> {
  const model = await lfm2.open();
  const found: number[] = [];
  for await (const id of model.generate(ids, options)) found.push(id);
  await model.close();
  return found;
}

/** SHA-256 of the bits of the embedded model's logits after each of `ids`, in hexadecimal. */
export async function logitBits(
  lfm2: Library,
  { ids, mode }: { ids: readonly number[]; mode: "exact" | "int8" },
): Promise<string> {
  const model = await lfm2.open(undefined, { mode });
  const { data } = await model.logits(ids);
  await model.close();
  const digest = await crypto.subtle.digest("SHA-256", data as Float32Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A text of the embedded model that is held to a format. */
export async function formatted(
  lfm2: Library,
  { prompt, responseFormat, options }: { prompt: string; responseFormat: Format; options: Options },
): Promise<string> {
  const model = await lfm2.open();
  let text = "";
  for await (const piece of model.complete(prompt, { ...options, responseFormat })) text += piece;
  await model.close();
  return text;
}

/** The embedded model's answer, piece by piece. */
export async function answer(
  lfm2: Library,
  { question, options }: { question: string; options: Options },
): Promise<{ kind: string; text: string }[]> {
  const model = await lfm2.open();
  const pieces: { kind: string; text: string }[] = [];
  for await (const { kind, text } of model.chat([{ role: "user", content: question }], options)) {
    pieces.push({ kind, text });
  }
  await model.close();
  return pieces;
}
