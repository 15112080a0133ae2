// What the tests ask of a model, in a page and in Node alike. Each task is a function of its arguments only.
import type { KernelBuildName } from "../../src/wasm/kernels.ts";
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

/** SHA-256 of the embedded model's logits, as `lfm2 verify` prints it. */
export async function bits(
  lfm2: Library,
  options: { mode: "exact" | "int8"; kernels: KernelBuildName; threads: number },
): Promise<string> {
  const model = await lfm2.open(undefined, options);
  const hash = await lfm2.logitBits(model);
  await model.close();
  return hash;
}

/** SHA-256 of a trace, piece after piece, and its names in order. */
export async function traced(
  lfm2: Library,
  { ids, points }: { ids: readonly number[]; points: readonly string[] },
): Promise<{ names: string[]; sha256: string }> {
  const model = await lfm2.open();
  const names: string[] = [];
  const pieces: Blob[] = [];
  for await (const { name, data } of model.trace(ids, { points })) {
    names.push(name);
    pieces.push(new Blob([data]));
  }
  await model.close();
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(pieces).arrayBuffer());
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { names, sha256 };
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
): Promise<Record<string, string>[]> {
  const model = await lfm2.open();
  const pieces: Record<string, string>[] = [];
  for await (const delta of model.chat([{ role: "user", content: question }], options)) {
    const { reasoning_content: thinking, content } = delta;
    pieces.push(content === undefined ? { reasoning_content: thinking ?? "" } : { content });
  }
  await model.close();
  return pieces;
}
