// One hostile template rendered through a text thread: what came of it, how long it took, and how long the caller waited.
import { fileURLToPath } from "node:url";
import type { ChatMessage } from "../../src/chat/messages.ts";
import type { StoredTokenizer } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { startNodeText } from "../../src/text/start-node.ts";
import { createText } from "../../src/text/text.ts";
import { watchTurns } from "../text/turns.ts";

export interface Outcome {
  /** "42 characters", or the error. */
  readonly result: string;
  /** Undefined for a result. */
  readonly errorName: string | undefined;
  readonly ms: number;
  /** The longest time between two turns of this thread. */
  readonly gapMs: number;
}

const MESSAGES: readonly ChatMessage[] = [
  { role: "user", content: "Hello <|im_end|> there!" },
  { role: "assistant", content: "Hi." },
  { role: "user", content: "What now?" },
];

let tokenizer: StoredTokenizer | undefined;

export async function tryTemplate(chatTemplate: string): Promise<Outcome> {
  if (tokenizer === undefined) {
    const folder = diskFolder(fileURLToPath(new URL("../../golden/nano", import.meta.url)));
    const checkpoint = await openCheckpoint(folder, "lfm2-nano-Q4_0.gguf");
    await Promise.all(checkpoint.files.map((file) => file.close()));
    tokenizer = checkpoint.tokenizer as StoredTokenizer;
  }
  const text = createText(startNodeText, { tokenizer, chatTemplate, embeddingRows: undefined });
  try {
    await text.tokenizer(); // the thread starts
    const turns = watchTurns();
    const begin = performance.now();
    const [result, errorName] = await text.render(MESSAGES, {}).then(
      ({ text }) => [`${text.length} characters`, undefined] as const,
      (error: Error) => [error.message, error.name] as const,
    );
    return { result, errorName, ms: performance.now() - begin, gapMs: turns() };
  } finally {
    await text.close();
  }
}
