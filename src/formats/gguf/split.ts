// One GGUF model in several files: `name-00001-of-00003.gguf`; the first holds the metadata of all.
import type { ByteSource, Folder } from "../../sources/source.ts";
import { DAMAGED, refuse, show } from "../refusal.ts";
import { type GgufHeader, type GgufTensor, placeTensors, readGgufHeader, trailingBytesWarning } from "./gguf.ts";

const SPLIT_NAME = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/;

export interface GgufFileTensor extends GgufTensor {
  /** Which of the files. */
  readonly file: number;
}

/** @throws FormatError when `first` is a later one of several files, which has no metadata */
export function checkFirst(first: ByteSource, header: GgufHeader): void {
  const number = splitNumber(first.name, header, "split.no") ?? 0;
  if (number === 0) return;
  refuse(`${first.name}, split.no`, "0, the first of the files", `${number}`, "Open the one named …-00001-of-….gguf.");
}

/**
 * The tensors of all the files that belong together, in order.
 *
 * @param first     the opened file, whose header is `header`
 * @param opened    receives every file opened here, so that the caller can close them
 * @param warnings  gains a sentence for each file with bytes that belong to no tensor
 * @throws FormatError when a sibling is missing or belongs to another set
 */
export async function openSplits(
  folder: Folder,
  fileName: string,
  first: ByteSource,
  header: GgufHeader,
  opened: ByteSource[],
  warnings: string[],
  signal?: AbortSignal,
): Promise<GgufFileTensor[]> {
  const tensors: GgufFileTensor[] = [];
  const place = (source: ByteSource, own: GgufHeader, file: number): void => {
    const placed = placeTensors(source, own);
    warnings.push(...trailingBytesWarning(source, own, placed));
    for (const tensor of placed) tensors.push({ ...tensor, file });
  };
  place(first, header, 0);
  const count = splitNumber(first.name, header, "split.count") ?? 1;
  if (count <= 1) return tensors;

  const [, stem, number, ofCount] = SPLIT_NAME.exec(fileName) ?? [];
  if (stem === undefined || number !== fiveDigits(1) || Number(ofCount) !== count) {
    const expected = `a file name ending in -00001-of-${fiveDigits(count)}.gguf`;
    refuse(first.name, expected, show(fileName), "Give the files their original names back.");
  }
  for (let i = 1; i < count; i++) {
    const siblingName = `${stem}-${fiveDigits(i + 1)}-of-${ofCount}.gguf`;
    const sibling = await folder.open(siblingName, signal);
    if (!sibling) refuse(folder.name, `${siblingName} beside ${fileName}`, "no such file", "Fetch all of the files.");
    opened.push(sibling);
    const siblingHeader = await readGgufHeader(sibling, signal);
    checkSibling(sibling.name, siblingHeader, "split.no", i);
    checkSibling(sibling.name, siblingHeader, "split.count", count);
    place(sibling, siblingHeader, i);
  }
  const total = splitNumber(first.name, header, "split.tensors.count");
  if (total !== undefined && total !== tensors.length) {
    refuse(`${first.name}, split.tensors.count`, `${total} tensors in ${count} files`, `${tensors.length}`, MIXED);
  }
  return tensors;
}

const MIXED = "The files belong to different models or are incomplete; fetch all of them.";

function checkSibling(file: string, header: GgufHeader, key: string, expected: number): void {
  const found = splitNumber(file, header, key);
  if (found !== expected) refuse(`${file}, ${key}`, `${expected}`, `${found ?? "no such key"}`, MIXED);
}

function splitNumber(file: string, header: GgufHeader, key: string): number | undefined {
  const value = header.metadata.get(key)?.value;
  if (value === undefined || (typeof value === "number" && Number.isInteger(value) && value >= 0)) return value;
  refuse(`${file}, ${key}`, "a number", "something else", DAMAGED);
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, "0");
}
