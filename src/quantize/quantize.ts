// A checkpoint of any kind → a GGUF file in a mix of block formats, tensor by tensor, a few megabytes in memory.

import { blockFormats, type FormatName } from "../blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../formats/checkpoint.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";
import { isGguf, readGgufHeader } from "../formats/gguf/gguf.ts";
import { addSampling, type Metadata, metadataOf, setFileType } from "../formats/gguf/metadata.ts";
import { ggufNameOf } from "../formats/gguf/names.ts";
import { addTokenizer } from "../formats/gguf/tokenizer-metadata.ts";
import { scalar, strings, writeGguf } from "../formats/gguf/write.ts";
import { rowsOf } from "../formats/pieces.ts";
import { createRecoder } from "../formats/recode.ts";
import { bytesOfTensor, type Sink, type StreamedTensor } from "../formats/streamed-tensor.ts";
import { readTokenizer } from "../formats/tokenizer-source.ts";
import { type Config, readConfig } from "../model/config.ts";
import { findParameters } from "../parameters/find-parameters.ts";
import { settleHead } from "../parameters/tied-head.ts";
import { mixOf } from "./mix.ts";

export interface QuantizeOptions {
  readonly type: QuantizationType;
  /** The model's name, for files that do not state one. */
  readonly name: string;
  readonly signal?: AbortSignal;
  /** Bytes of weights read so far. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Quantized {
  readonly tensors: readonly QuantizedTensor[];
  readonly fileBytes: number;
  /** Warnings beside the checkpoint's own. */
  readonly warnings: readonly string[];
}

export interface QuantizedTensor {
  /** Hugging Face name. */
  readonly name: string;
  readonly weights: number;
  readonly from: FormatName;
  readonly to: FormatName;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * Writes `checkpoint` into `sink`, its tensors in the order of the graph. A GGUF file's metadata stays as it is, except
 * for the keys about blocks and other files; a Hugging Face folder's is made from its JSON files.
 *
 * @throws FormatError when a tensor is missing or holds infinite weights; ConfigError; SourceError; what the sink throws;
 *   the signal's reason when aborted
 */
export async function quantize(checkpoint: Checkpoint, sink: Sink, options: QuantizeOptions): Promise<Quantized> {
  const { type, signal, onProgress } = options;
  const settled = await settleHead(checkpoint, "whole", signal);
  const config = readConfig(settled.config, checkpoint.keyNames);
  const { parameters, warnings } = findParameters(config, settled.tensors);
  const stored = parameters.map(({ tensor }) => tensor);
  const mix = mixOf(type, stored);
  const metadata = await metadataFor(checkpoint, config, options);

  const total = stored.reduce((sum, tensor) => sum + bytesOfTensor(tensor), 0);
  let done = 0;
  const tensors = stored.map((tensor): StreamedTensor => {
    const format = mix.get(tensor.name) as FormatName;
    return {
      name: ggufNameOf(tensor.name) as string,
      shape: tensor.shape,
      format,
      async *pieces() {
        const recode = createRecoder(tensor, blockFormats[format]);
        for await (const rows of rowsOf(settled.files, tensor, signal)) {
          yield recode(rows);
          done += rows.byteLength;
          onProgress?.(done, total);
        }
      },
    };
  });
  const fileBytes = await writeGguf(sink, metadata, tensors, signal);
  await Promise.all(settled.files.map((file) => file.verify(signal)));
  return {
    tensors: stored.map((tensor, i) => quantizedTensor(tensor, tensors[i])),
    fileBytes,
    warnings: [...settled.warnings, ...warnings],
  };
}

function quantizedTensor(stored: StoredTensor, written: StreamedTensor): QuantizedTensor {
  return {
    name: stored.name,
    weights: stored.shape.reduce((product, axis) => product * axis, 1),
    from: stored.format,
    to: written.format,
    bytesBefore: storedBytes(stored),
    bytesAfter: bytesOfTensor(written),
  };
}

function storedBytes({ parts }: StoredTensor): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function metadataFor(
  checkpoint: Checkpoint,
  config: Config,
  { type, name, signal }: QuantizeOptions,
): Promise<Metadata> {
  const [first] = checkpoint.files;
  if (await isGguf(first, signal)) {
    const { metadata } = await readGgufHeader(first, signal);
    const kept: Metadata = new Map([...metadata].filter(([key]) => !key.startsWith("split.")));
    setFileType(kept, type);
    return kept;
  }
  const metadata = metadataOf(config, type, name);
  addSampling(metadata, checkpoint.generationConfig);
  const { tokenizer, chatTemplate, namedTemplates = new Map<string, string>() } = checkpoint;
  const source = tokenizer && readTokenizer(tokenizer);
  if (source?.kind === "json") addTokenizer(metadata, source, checkpoint.config, config.vocabSize);
  if (chatTemplate !== undefined) metadata.set("tokenizer.chat_template", scalar("str", chatTemplate));
  for (const [name, template] of namedTemplates) {
    metadata.set(`tokenizer.chat_template.${name}`, scalar("str", template));
  }
  if (namedTemplates.size > 0) metadata.set("tokenizer.chat_templates", strings([...namedTemplates.keys()]));
  return metadata;
}
