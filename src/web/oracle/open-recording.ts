// The files of one recording, as they were dropped: what lfm2 trace or lfm2 golden wrote, or a file of tensors.
import { Lfm2Error } from "../../lfm2-error.ts";
import { caseOf, openCase } from "../../oracle/golden/golden-check.ts";
import { GOLDEN, readGolden } from "../../oracle/golden/golden-manifest.ts";
import { type NamePatterns, parseNamePatterns, readyMaps } from "../../oracle/recorded/name-map.ts";
import { openArrays } from "../../oracle/recorded/open-arrays.ts";
import { openTrace } from "../../oracle/recorded/open-trace.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { blobFolder, blobSource } from "../../sources/blob.ts";

/** Nothing that can be compared is in these files. */
export class RecordingError extends Lfm2Error {
  override readonly name = "RecordingError";
}

/** Of more ids than any context has. */
const MAX_TOKEN_BYTES = 1 << 24;
const MAX_MAP_BYTES = 1 << 22;
const MOST_FILES = 1000;

/**
 * @param folder  for messages
 * @param map     whose names a file of tensors has; a JSON file of patterns among the files stands above it
 * @throws FormatError, RecordingError
 */
export async function openRecording(folder: string, files: readonly File[], map: string): Promise<RecordedRun> {
  if (files.length > MOST_FILES) refuse(folder, `at most ${MOST_FILES} files`, `${files.length}`);
  const has = (name: string): boolean => files.some((file) => file.name === name);
  if (has("trace.json")) return openTrace(blobFolder(folder, files));
  if (has(GOLDEN)) return openGolden(folder, files);
  const isBeside = ({ name }: File): boolean => /\.json$/i.test(name) || /-tokens\.bin$/.test(name);
  const tensors = files.filter((file) => !isBeside(file));
  if (tensors.length !== 1) refuse(folder, "one file of tensors, or a manifest beside it", `${tensors.length} files`);
  const [file] = tensors;
  const patterns = files.find(({ name }) => /\.json$/i.test(name));
  const tokens = files.find(({ name }) => name === file.name.replace(/\.bin$/, "-tokens.bin") && name !== file.name);
  return openArrays(
    blobSource(file.name, file),
    patterns === undefined ? readyMaps[map] : await patternsOf(patterns),
    undefined,
    tokens && new Uint8Array(await tokens.slice(0, MAX_TOKEN_BYTES).arrayBuffer()),
  );
}

/** The case whose file is among the files. */
async function openGolden(name: string, files: readonly File[]): Promise<RecordedRun> {
  const folder = blobFolder(name, files);
  const golden = await readGolden(folder);
  const there = golden.cases.filter(({ file }) => files.some((one) => one.name === file));
  const one = caseOf({ name, ids: undefined }, there.length === 0 ? golden.cases.slice(0, 1) : there);
  const run = await openCase(folder, golden, one);
  return { ...run, ids: one.ids, start: one.positions.from };
}

async function patternsOf(file: File): Promise<NamePatterns> {
  if (file.size > MAX_MAP_BYTES) refuse(file.name, `names as JSON, at most ${MAX_MAP_BYTES} bytes`, `${file.size}`);
  return parseNamePatterns(await file.text(), file.name);
}

function refuse(subject: string, expected: string, found: string): never {
  throw new RecordingError({
    subject,
    expected,
    found,
    remedy:
      "Drop trace.json with the file it names, golden.json with the file of one case, or a single .safetensors, .npz, .npy or .bin.",
  });
}
