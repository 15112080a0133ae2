// Where the model is that is used when none is named. In a file of its own: a bundler copies it where this is imported.
import { found } from "./found.ts";

export const embeddedModelUrl = found(
  "lfm2-nano-Q4_0.gguf",
  () => new URL("../../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url),
);
