// Entry of the files thread in a browser.
import { createSHA1, createSHA256 } from "hash-wasm";
import { serveFiles } from "./serve.ts";

serveFiles(
  {
    post: (message, transfer = []) => postMessage(message, { transfer }),
    onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
  },
  (kind) => (kind === "git" ? createSHA1() : createSHA256()),
);
