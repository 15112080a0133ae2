// Where the package's own files are: beside this module, or wherever a bundler has put them.
import type { AssetUrls } from "./assets.ts";
import { found } from "./found.ts";

/** Each is written out: this is the form in which bundlers find files to copy, and put in their new addresses. */
export function ownUrls(): AssetUrls {
  return {
    "files-thread.js": found("files-thread.js", () => new URL("../assets/files-thread.js", import.meta.url)).href,
    "model-thread.js": found("model-thread.js", () => new URL("../assets/model-thread.js", import.meta.url)).href,
    "text-thread.js": found("text-thread.js", () => new URL("../assets/text-thread.js", import.meta.url)).href,
    "baseline.wasm": found("baseline.wasm", () => new URL("../assets/baseline.wasm", import.meta.url)).href,
    "baseline-threads.wasm": found(
      "baseline-threads.wasm",
      () => new URL("../assets/baseline-threads.wasm", import.meta.url),
    ).href,
    "relaxed.wasm": found("relaxed.wasm", () => new URL("../assets/relaxed.wasm", import.meta.url)).href,
    "relaxed-threads.wasm": found(
      "relaxed-threads.wasm",
      () => new URL("../assets/relaxed-threads.wasm", import.meta.url),
    ).href,
    "relaxed-pairs.wasm": found("relaxed-pairs.wasm", () => new URL("../assets/relaxed-pairs.wasm", import.meta.url))
      .href,
    "relaxed-pairs-threads.wasm": found(
      "relaxed-pairs-threads.wasm",
      () => new URL("../assets/relaxed-pairs-threads.wasm", import.meta.url),
    ).href,
  };
}
