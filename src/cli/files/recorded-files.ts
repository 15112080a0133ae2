// Recorded runs as the command line names them: a directory of lfm2 trace, or a file of arrays under some map of names.
import { stat } from "node:fs/promises";
import { type NamePatterns, parseNamePatterns, readyMaps } from "../../oracle/recorded/name-map.ts";
import { openArrays, openTrace } from "../../oracle/recorded/open-run.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { diskFolder, openFile } from "../../sources/disk.ts";
import { decodeText, MAX_JSON_BYTES, readBytes } from "./text-input.ts";

/**
 * @param map  of a file's names: one of ours, or a JSON file of patterns
 * @throws FormatError, SourceError, InputError
 */
export async function openRecorded(path: string, map?: string, signal?: AbortSignal): Promise<RecordedRun> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return openTrace(diskFolder(path), signal);
  const source = await openFile(path);
  try {
    return await openArrays(source, await patternsOf(map), signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function patternsOf(map: string | undefined): Promise<NamePatterns | undefined> {
  if (map === undefined) return undefined;
  if (Object.hasOwn(readyMaps, map)) return readyMaps[map];
  const bytes = await readBytes(map, { expected: "names as JSON", maxBytes: MAX_JSON_BYTES });
  return parseNamePatterns(decodeText(bytes, map), map);
}
