// Opening: a source becomes files, the files a checkpoint, and the checkpoint a model in a thread of its own.

import { withPreTokenizer } from "../formats/gguf/tokenizer.ts";
import { openCheckpoint } from "../formats/open-checkpoint.ts";
import { checkOptions, type ModelOptions } from "../load/load-options.ts";
import { readConfig } from "../model/config.ts";
import { patienceWith } from "../sources/patience.ts";
import type { Folder } from "../sources/source.ts";
import type { NetworkOptions } from "../sources/url.ts";
import type { TextPort } from "../text/protocol.ts";
import { createText } from "../text/text.ts";
import type { PreTokenizer } from "../tokenizer/from-gguf.ts";
import { connect, type ModelWorker } from "../worker/client.ts";
import type { WorkerPort } from "../worker/protocol.ts";
import { createLanguageModel } from "./create-language-model.ts";
import type { LanguageModel, Progress } from "./language-model.ts";
import { checkObject, checkOpening } from "./opening-options.ts";

/**
 * What a model is opened from. A string is a path in Node and a URL in a browser; one that begins with http:// or
 * https:// is a URL in both. A GGUF file, one file of a split GGUF, a safetensors file, or a Hugging Face folder.
 */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList;

export interface OpenOptions extends ModelOptions {
  readonly signal?: AbortSignal;
  /** Weights read so far. */
  readonly onProgress?: (progress: Progress) => void;
  /** HTTP headers for URLs, such as Authorization. No other server that a redirect leads to gets them. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Milliseconds in which a server has to begin its answer, and then to send 64 KiB or the rest, again and again;
   * 30,000 unless stated otherwise. A request that takes longer is made again, as after any failure that may pass.
   */
  readonly stallTimeoutMs?: number;
  /** How text is split before merging, for GGUF files that do not say it, or by a name that is none (`default`). */
  readonly tokenizerPre?: PreTokenizer;
}

/** What differs between Node and a browser. */
export interface Host {
  startWorker(): WorkerPort;
  startText(): TextPort;
  /** The folder and, unless it is a Hugging Face folder, the file that a source names; the embedded model's without. */
  locate(source: ModelSource | undefined, network?: NetworkOptions): Promise<{ folder: Folder; file?: string }>;
}

export async function openOn(host: Host, source?: ModelSource, options: OpenOptions = {}): Promise<LanguageModel> {
  checkObject(options);
  const { signal, onProgress, headers, stallTimeoutMs, tokenizerPre, ...modelOptions } = options;
  checkOpening({ signal, onProgress, headers, stallTimeoutMs, tokenizerPre });
  signal?.throwIfAborted();
  checkOptions(modelOptions);
  const { folder, file } = await host.locate(source, { headers, patience: patienceWith(stallTimeoutMs) });
  const checkpoint = await openCheckpoint(folder, file, signal);
  const { config: rawConfig, keyNames, tensors, files } = checkpoint;
  let worker: ModelWorker | undefined;
  try {
    const { vocabSize: embeddingRows } = readConfig(rawConfig, keyNames);
    const tokenizer = withPreTokenizer(checkpoint.tokenizer, tokenizerPre);
    worker = connect(host.startWorker());
    const loaded = await worker.request(
      {
        kind: "load",
        config: rawConfig,
        tensors,
        files: files.map(({ descriptor }) => descriptor),
        options: modelOptions,
      },
      {
        signal,
        event(event) {
          if (event.kind === "progress") onProgress?.({ phase: "load", done: event.done, total: event.total });
        },
      },
    );
    const { chatTemplate, namedTemplates } = checkpoint;
    const text = tokenizer && createText(host.startText, { tokenizer, chatTemplate, namedTemplates, embeddingRows });
    return createLanguageModel(worker, text, checkpoint, loaded);
  } catch (error) {
    await worker?.close();
    throw error;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
