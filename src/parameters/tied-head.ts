// A head that is stored although the config ties it to the embedding: used if it differs, as in transformers.
import { type Checkpoint, type StoredTensor, spellingOf } from "../formats/checkpoint.ts";
import { readConfig } from "../model/config.ts";
import { type RememberingSource, rememberingSource } from "../sources/remember.ts";
import type { ByteSource } from "../sources/source.ts";
import { EMBEDDING, HEAD } from "./find-parameters.ts";

type HeadFiles = Pick<Checkpoint, "config" | "tensors" | "files"> & Partial<Pick<Checkpoint, "keyNames">>;

export interface SettledHead extends HeadFiles {
  readonly warnings: readonly string[];
}

const PIECE_BYTES = 1 << 22;
/** Heads that were trained separately differ everywhere, resized ones at the end. */
const SAMPLES = 16;
const SAMPLE_BYTES = 1 << 12;

/**
 * The checkpoint as it is meant: without the head where its bytes are the embedding's, untied where they are not.
 * What is read from a URL is kept until it is read again.
 *
 * @param how  `sampled` compares 64 KiB of the head, for callers that read no weights
 * @throws SourceError; the signal's reason
 * @source transformers 5.18.0 modeling_utils.py, tie_weights: "both are present in the checkpoints with different values"
 */
export async function settleHead(
  { config, keyNames, tensors, files }: HeadFiles,
  how: "whole" | "sampled",
  signal?: AbortSignal,
): Promise<SettledHead> {
  const head = tensors.get(HEAD);
  const embedding = tensors.get(EMBEDDING);
  if (!head || !embedding || !readConfig(config, keyNames).tieWordEmbeddings)
    return { config, tensors, files, warnings: [] };
  const remembered = files.map((file) => (file.descriptor.kind === "url" ? rememberingSource(file) : file));
  if (await equals(remembered, head, embedding, how, signal)) {
    const without = new Map([...tensors].filter(([name]) => name !== HEAD));
    return { config, tensors: without, files: remembered, warnings: [] };
  }
  return {
    config: { ...config, tie_embedding: false, tie_word_embeddings: false },
    tensors,
    files: remembered,
    warnings: [
      `${spellingOf(head)}: used, as in transformers, although the config ties the head to the embedding: ` +
        "the file has both, and they differ.",
    ],
  };
}

async function equals(
  files: readonly ByteSource[],
  a: StoredTensor,
  b: StoredTensor,
  how: "whole" | "sampled",
  signal?: AbortSignal,
): Promise<boolean> {
  const [{ file, offset, bytes }] = a.parts;
  const [other] = b.parts;
  if (a.format !== b.format || bytes !== other.bytes) return false;
  const same = async (at: number, most: number): Promise<boolean> => {
    const length = Math.min(most, bytes - at);
    const [one, two] = await Promise.all([
      peek(files[file], offset + at, length, signal),
      peek(files[other.file], other.offset + at, length, signal),
    ]);
    return areEqual(one, two);
  };
  for (let i = 0; i < SAMPLES; i++) {
    const at = Math.floor((i * Math.max(0, bytes - SAMPLE_BYTES)) / (SAMPLES - 1));
    if (!(await same(at, SAMPLE_BYTES))) return false;
  }
  if (how === "sampled") return true;
  for (let at = 0; at < bytes; at += PIECE_BYTES) if (!(await same(at, PIECE_BYTES))) return false;
  return true;
}

/** What comes over a network is kept because it will be read again; reading a disk twice is cheap. */
function peek(
  file: ByteSource,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return "remember" in file
    ? (file as RememberingSource).remember(offset, length, signal)
    : file.read(offset, length, signal);
}

function areEqual(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  const words = a.byteLength >> 2;
  const [left, right] = [a, b].map(({ buffer, byteOffset }) => new Uint32Array(buffer, byteOffset, words));
  for (let i = 0; i < words; i++) if (left[i] !== right[i]) return false;
  for (let i = words * 4; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
