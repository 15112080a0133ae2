// The files thread from the page's side: one model's files, then its end.
import type { Checkpoint } from "../formats/checkpoint.ts";
import { asSentence, Lfm2Error, revivedError } from "../lfm2-error.ts";
import type { ByteSource } from "../sources/source.ts";
import { SourceError } from "../sources/source-error.ts";
import type { FilesPort, FilesProgress, OpenedFile, OpenFiles } from "./protocol.ts";

/** @throws what the thread throws, under its own name; the signal's reason, at once */
export async function openFiles(
  start: () => FilesPort,
  request: OpenFiles,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (progress: FilesProgress) => void },
): Promise<Checkpoint> {
  signal?.throwIfAborted();
  const port = start();
  let abort = (): void => {};
  try {
    return await new Promise((resolve, reject) => {
      abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort);
      port.onFailure((cause) => {
        if (cause instanceof Lfm2Error) return reject(cause);
        const sentence = `The thread that opens files died: ${asSentence(cause.message)}`;
        const parts = { subject: "files thread", expected: "it alive", found: cause.message, sentence };
        reject(new SourceError(parts, { cause }));
      });
      port.onMessage((message) => {
        try {
          if ("progress" in message) {
            if (message.progress.phase === "fetch") askToStay();
            onProgress?.(message.progress);
          } else if ("error" in message) reject(revivedError(message.error));
          else resolve({ ...message.opened, files: message.opened.files.map(closedSource) });
        } catch (cause) {
          reject(cause);
        }
      });
      port.post(request);
    });
  } finally {
    signal?.removeEventListener("abort", abort);
    await port.terminate();
  }
}

let hasAsked = false;

/** That the browser does not delete what is kept when space runs short. Not waited for: some browsers ask a person. */
function askToStay(): void {
  if (hasAsked) return;
  hasAsked = true;
  navigator.storage?.persist?.().catch(() => {});
}

/** What the thread had opened; others open it anew. */
function closedSource({ name, size, descriptor }: OpenedFile): ByteSource {
  return {
    name,
    size,
    descriptor,
    async read() {
      const parts = { subject: name, expected: "a file that is open", found: "one that was closed" };
      throw new SourceError({ ...parts, remedy: "Open it again." });
    },
    verify: async () => {},
    close: async () => {},
  };
}
