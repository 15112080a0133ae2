// The model that a golden was made with: where it is, and whether another one was opened.
import { join } from "node:path";
import type { GoldenManifest } from "../../oracle/golden/golden-manifest.ts";
import { hashOf } from "../../oracle/trace/write-trace.ts";
import { note } from "../terminal/terminal.ts";

/** A path that a golden states is relative to it; the embedded model has none. */
export function besideGolden(directory: string, path: string | undefined): string | undefined {
  return path === undefined || /^https?:/.test(path) ? path : join(directory, path);
}

export async function sayOtherModel(
  { model: expected }: Pick<GoldenManifest, "model">,
  model: Parameters<typeof hashOf>[0],
  signal: AbortSignal,
): Promise<void> {
  if (expected?.sha256 === undefined) return;
  const { sha256, sha256Of } = await hashOf(model, signal);
  if (sha256Of !== expected.sha256Of || sha256 === expected.sha256) return;
  note(
    `Another file than the golden's ${expected.name}: SHA-256 ${sha256.slice(0, 12)}…, made with ${expected.sha256.slice(0, 12)}…`,
  );
}
