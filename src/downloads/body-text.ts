// The beginning of a body as text, however long the body is.
import type { Chunks } from "../sources/exchange.ts";

/** @returns undefined where it is longer than `most` bytes; with `cut`, its beginning then */
export async function bodyText(chunks: Chunks, most: number, cut: "cut"): Promise<string>;
export async function bodyText(chunks: Chunks, most: number): Promise<string | undefined>;
export async function bodyText(chunks: Chunks, most: number, cut?: "cut"): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > most && cut === undefined) return undefined;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > most) break;
  }
  return text + decoder.decode();
}
