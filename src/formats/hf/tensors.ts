// A checkpoint's tensors under the names of published checkpoints: one matrix to an expert, in files of a bounded size.
import { blockFormats } from "../../blocks/formats.ts";
import type { Checkpoint, Part, StoredTensor } from "../checkpoint.ts";
import { rowsOf } from "../pieces.ts";
import { createRecoder } from "../recode.ts";
import { type Sink, type StreamedTensor, writeTensor } from "../streamed-tensor.ts";
import { bytesOfSafeEntry, encodeSafetensorsHeader, inSafetensorsOrder } from "./safetensors.ts";

export type HfFormat = "BF16" | "F32";

export interface HfTensor extends StreamedTensor {
  readonly dtype: HfFormat;
}

/** One file of a Hugging Face folder. */
export interface HfShard {
  readonly fileName: string;
  readonly tensors: readonly HfTensor[];
}

/** @param onBytes  called with the bytes of each piece that was read */
export function hfTensors(
  { files }: Checkpoint,
  stored: readonly StoredTensor[],
  format: HfFormat,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): HfTensor[] {
  return stored.flatMap(splitExperts).map(({ tensor, shape }): HfTensor => {
    // The bias chooses experts; published checkpoints keep it whole.
    const dtype = tensor.name.endsWith(".expert_bias") ? "F32" : format;
    return {
      name: tensor.name,
      shape,
      format: dtype,
      dtype,
      async *pieces() {
        const recode = createRecoder(tensor, blockFormats[dtype]);
        for await (const rows of rowsOf(files, tensor, signal)) {
          yield recode(rows);
          onBytes(rows.byteLength);
        }
      },
    };
  });
}

/** Tensors as published, each with the shape it has there. */
function splitExperts(tensor: StoredTensor): { tensor: StoredTensor; shape: readonly number[] }[] {
  const { name, shape, parts } = tensor;
  if (name.endsWith(".conv.conv.weight")) return [{ tensor, shape: [shape[0], 1, shape[1]] }];
  if (shape.length < 3) return [{ tensor, shape }];
  const [experts, rows, cols] = shape;
  const dot = name.lastIndexOf(".");
  return Array.from({ length: experts }, (_, expert) => ({
    tensor: {
      ...tensor,
      name: `${name.slice(0, dot)}.${expert}${name.slice(dot)}.weight`,
      shape: [rows, cols],
      parts: [parts.length === 1 ? slab(parts[0], expert, experts) : parts[expert]],
    },
    shape: [rows, cols],
  }));
}

function slab({ file, offset, bytes }: Part, index: number, count: number): Part {
  return { file, offset: offset + index * (bytes / count), bytes: bytes / count };
}

/** Fills one file after another up to `shardBytes`; a single one has the name that needs no index. */
export function shardsOf(tensors: readonly HfTensor[], shardBytes: number): HfShard[] {
  const groups: HfTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const own = bytesOfSafeEntry(tensor);
    if (bytes > 0 && bytes + own > shardBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups[groups.length - 1].push(tensor);
    bytes += own;
  }
  if (groups.length === 1) return [{ fileName: "model.safetensors", tensors: groups[0] }];
  const five = (number: number) => String(number).padStart(5, "0");
  return groups.map((group, i) => {
    return { fileName: `model-${five(i + 1)}-of-${five(groups.length)}.safetensors`, tensors: group };
  });
}

/** Which file holds which tensor, as model.safetensors.index.json says it. */
export function indexOf(shards: readonly HfShard[]): object {
  const total = shards.flatMap(({ tensors }) => tensors).reduce((sum, tensor) => sum + bytesOfSafeEntry(tensor), 0);
  const entries = shards.flatMap(({ fileName, tensors }) => tensors.map(({ name }) => [name, fileName]));
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(entries) };
}

export async function writeShard(sink: Sink, { tensors }: HfShard, signal?: AbortSignal): Promise<void> {
  const sorted = inSafetensorsOrder(tensors);
  // transformers refuses files that do not say which framework's they are.
  await sink(encodeSafetensorsHeader(sorted, new Map([["format", "pt"]])));
  for (const tensor of sorted) await writeTensor(sink, tensor, signal);
}
