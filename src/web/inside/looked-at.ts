// What every panel is given.
import type { SeenRun } from "./seen-run.ts";

export interface LookedAt {
  readonly run: SeenRun;
  readonly texts: readonly string[];
  readonly token: number;
  readonly layer: number;
}
