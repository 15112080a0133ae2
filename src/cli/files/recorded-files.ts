// Recorded runs as the command line names them: a directory of lfm2 trace, or a file of arrays under some map of names.
import { stat } from "node:fs/promises";
import { type NamePatterns, parseNamePatterns, readyMaps } from "../../oracle/recorded/name-map.ts";
import { openArrays } from "../../oracle/recorded/open-arrays.ts";
import { openTrace } from "../../oracle/recorded/open-trace.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { diskFolder, openFile } from "../../sources/disk.ts";
import { refuseFlags } from "../options/refused-flags.ts";
import { decodeText, MAX_JSON_BYTES, readBytes } from "./text-input.ts";

/**
 * @param map  of a file's names: one of ours, or a JSON file of patterns
 * @throws FormatError, SourceError, InputError; UsageError for a map of a trace's names
 */
export async function openRecorded(path: string, map?: string, signal?: AbortSignal): Promise<RecordedRun> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    refuseFlags({ "--map": map }, `${path}, whose points have the graph's names`);
    return openTrace(diskFolder(path), signal);
  }
  const source = await openFile(path);
  try {
    return await openArrays(source, await patternsOf(map), signal, await tokensOf(path));
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Of more ids than any context has. */
const MAX_TOKEN_BYTES = 1 << 24;

/** llama-debug --save-logits writes llamacpp-MODEL.bin, and llamacpp-MODEL-tokens.bin beside it. */
async function tokensOf(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!path.endsWith(".bin")) return undefined;
  const tokens = await openFile(path.replace(/\.bin$/, "-tokens.bin")).catch(() => undefined);
  return tokens?.read(0, Math.min(tokens.size, MAX_TOKEN_BYTES)).finally(() => tokens.close());
}

async function patternsOf(map: string | undefined): Promise<NamePatterns | undefined> {
  if (map === undefined) return undefined;
  if (Object.hasOwn(readyMaps, map)) return readyMaps[map];
  const bytes = await readBytes(map, { expected: "names as JSON", maxBytes: MAX_JSON_BYTES });
  return parseNamePatterns(decodeText(bytes, map), map);
}
