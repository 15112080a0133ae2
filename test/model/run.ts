// Opens a checkpoint, runs ids through it in steps of a given length, and compares what comes out.

import { advance, restart } from "../../src/engine/sequence.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { loadFloats, loadTensor, readSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { type LoadedModel, loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { lmHead } from "../../src/model/model.ts";
import { type Observer, observed } from "../../src/oracle/trace/observed.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { diskFolder, openFile } from "../../src/sources/disk.ts";
import { context } from "../ops/harness.ts";

export const golden = (path: string): string => new URL(`../../golden/${path}`, import.meta.url).pathname;

/** A checkpoint of a golden folder, or of bytes made on the spot. */
export async function open(
  folder: string,
  file?: string | { name: string; bytes: Uint8Array<ArrayBuffer> },
): Promise<Checkpoint> {
  if (typeof file !== "object") return openCheckpoint(diskFolder(golden(folder)), file);
  const { name, bytes } = file;
  return openCheckpoint(blobFolder("memory", [{ name, blob: new Blob([bytes]) }]), name);
}

export async function load(checkpoint: Checkpoint, options: ModelOptions): Promise<LoadedModel> {
  try {
    return await loadModel(checkpoint, options, context);
  } finally {
    await Promise.all(checkpoint.files.map((file) => file.close()));
  }
}

/** Logits after each of `ids`, as one array [T · vocab]; `step` ids at a time, from an empty sequence. */
export function logitsOf(
  { model, sequences: [sequence] }: LoadedModel,
  ids: Int32Array,
  step: number,
  observer?: Observer,
): Float32Array {
  const { memory, weights } = model;
  const { ops, settle } = observer ? observed(model.ops, observer) : { ops: model.ops, settle: undefined };
  restart(model, sequence);
  const { vocabSize } = model.config;
  const logits = new Float32Array(ids.length * vocabSize);
  for (let at = 0; at < ids.length; at += step) {
    const h = advance({ ...model, ops }, [{ sequence, ids: ids.subarray(at, at + step) }], { settle });
    // The head a few rows at a time, as the plan of the working space promises.
    for (let row = 0; row < h.rows; row += 8) {
      const rows = ops.rows(h, row, Math.min(8, h.rows - row));
      logits.set(memory.read(lmHead(ops, weights, rows)), (at + row) * vocabSize);
      settle?.();
    }
  }
  return logits;
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Every tensor of a safetensors file; 64-bit integers as 32-bit ones. */
export async function goldenTensors(path: string): Promise<Map<string, GoldenTensor>> {
  const source = await openFile(golden(path));
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, tensor] of (await readSafetensors(source)).tensors) {
    const data =
      tensor.dtype === "I64"
        ? Int32Array.from((await loadTensor(source, tensor)) as BigInt64Array, Number)
        : await loadFloats(source, tensor);
    tensors.set(name, { shape: tensor.shape, data });
  }
  await source.close();
  return tensors;
}

/** Mean over the rows of KL(want ‖ have) between the softmax distributions, in float64. */
export function meanKl(want: Float32Array, have: Float32Array, vocabSize: number): number {
  const rows = want.length / vocabSize;
  let total = 0;
  for (let t = 0; t < rows; t++) {
    const p = logSoftmax(want.subarray(t * vocabSize, (t + 1) * vocabSize));
    const q = logSoftmax(have.subarray(t * vocabSize, (t + 1) * vocabSize));
    total += p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - q[i]), 0);
  }
  return total / rows;
}

function logSoftmax(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b));
  const values = Float64Array.from(logits, (value) => value - max);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
  return values.map((value) => value - total);
}
