// How a caller in Node starts the text thread.
import { startThread } from "../worker/start-node.ts";
import type { TextPort } from "./protocol.ts";

// A tokenizer of 128,000 tokens takes 150 MB, and a prompt as long as a conversation may be some 200 MB more.
const MAX_HEAP_MB = 1024;

export function startNodeText(): TextPort {
  // The compiled package has .js where the sources have .ts.
  const entry = import.meta.url.endsWith(".ts") ? "./node-thread.ts" : "./node-thread.js";
  return startThread(new URL(entry, import.meta.url), { maxOldGenerationSizeMb: MAX_HEAP_MB });
}
