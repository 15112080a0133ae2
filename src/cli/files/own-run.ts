// Our own side of a comparison, recorded into a temporary folder that is deleted afterwards.
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTrace } from "../../oracle/recorded/open-trace.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { ownPoints } from "../../oracle/trace/own-points.ts";
import { writeTrace } from "../../oracle/trace/write-trace.ts";
import { diskFolder } from "../../sources/disk.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import type { OpenedModel } from "./open-model.ts";

const MAX_WHOLE_BYTES = 1_000_000_000;

/**
 * Runs `ids` from nothing and keeps every point, or, of a run too large for that, those that `wanted` has, too.
 * @throws what `writeTrace` throws
 */
export async function recordOwnRun(
  { model, name }: OpenedModel,
  ids: readonly number[],
  wanted: (name: string) => boolean,
  signal: AbortSignal,
): Promise<RecordedRun> {
  const points = ownPoints(model.config, ids.length, wanted, MAX_WHOLE_BYTES);
  const folder = await mkdtemp(join(tmpdir(), "lfm2-compare-"));
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true });
  process.prependListener("exit", removeNow);
  const remove = async (): Promise<void> => {
    process.off("exit", removeNow);
    await rm(folder, { recursive: true, force: true });
  };
  const progress = createPrefillProgress();
  try {
    await writeTrace(folder, model, ids, { points, name, signal, onProgress: progress.onProgress });
    const run = await openTrace(diskFolder(folder), signal);
    const close = async (): Promise<void> => {
      await run.close();
      await remove();
    };
    return { ...run, name: "run here", inFloat32: "Leave --mode and --kv-type out", close };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    progress.clear();
  }
}
