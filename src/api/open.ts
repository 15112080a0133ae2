// Opening: a source becomes files, the files a checkpoint, and the checkpoint a model in a thread of its own.

import type { Checkpoint } from "../formats/checkpoint.ts";
import { withPreTokenizer } from "../formats/gguf/tokenizer.ts";
import { readConfig } from "../model/config.ts";
import { checkOptions } from "../options/check-options.ts";
import { patienceWith } from "../sources/patience.ts";
import type { NetworkOptions } from "../sources/url.ts";
import type { TextPort } from "../text/protocol.ts";
import { createText } from "../text/text.ts";
import type { ModelWorker } from "../worker/client.ts";
import type { WorkerPort } from "../worker/protocol.ts";
import { createLanguageModel } from "./create-language-model.ts";
import { withRates } from "./fetch-rates.ts";
import type { LanguageModel, Progress } from "./language-model.ts";
import { startLoaded } from "./load-again.ts";
import { type OpenOptions, openingChecks } from "./opening-options.ts";

/**
 * What a model is opened from. A string is a path in Node and a URL in a browser; one that begins with http:// or
 * https:// is a URL in both, and hf:OWNER/REPO[:QUANT][@REVISION] a model on the Hugging Face Hub. A GGUF file, one file of a split GGUF, a safetensors file, or a Hugging Face folder.
 */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList;

/** How the files of a model are found, and had. */
export interface LocateOptions
  extends NetworkOptions,
    Pick<OpenOptions, "offline" | "cache" | "hubEndpoint" | "signal"> {
  /** `ranges`: little of them will be read, so large ones are not fetched whole; `whole` by default. */
  readonly reads?: "whole" | "ranges";
  readonly onProgress?: (progress: Progress) => void;
}

/** What differs between Node and a browser. */
export interface Host {
  startWorker(): WorkerPort;
  startText(): TextPort;
  /** Everything but the weights of what a source names; of the embedded model without. The caller closes its files. */
  openFiles(source: ModelSource | undefined, options: LocateOptions): Promise<Checkpoint>;
}

export async function openOn(host: Host, source?: ModelSource, options: OpenOptions = {}): Promise<LanguageModel> {
  checkOptions("open", openingChecks, options);
  const {
    signal,
    onProgress,
    headers,
    stallTimeoutMs,
    offline,
    cache,
    hubEndpoint,
    tokenizerPre,
    assets: _,
    ...modelOptions
  } = options;
  signal?.throwIfAborted();
  const checkpoint = await host.openFiles(source, {
    headers,
    patience: patienceWith(stallTimeoutMs),
    offline,
    cache,
    hubEndpoint,
    signal,
    onProgress: onProgress && withRates(onProgress),
  });
  const { config: rawConfig, keyNames, tensors, files } = checkpoint;
  let worker: ModelWorker | undefined;
  try {
    const { vocabSize: embeddingRows } = readConfig(rawConfig, keyNames);
    const tokenizer = withPreTokenizer(checkpoint.tokenizer, tokenizerPre);
    const started = await startLoaded(
      () => host.startWorker(),
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
    worker = started.worker;
    const { chatTemplate, namedTemplates } = checkpoint;
    const text = tokenizer && createText(host.startText, { tokenizer, chatTemplate, namedTemplates, embeddingRows });
    return createLanguageModel(worker, text, checkpoint, started.loaded);
  } catch (error) {
    await worker?.close();
    throw error;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
