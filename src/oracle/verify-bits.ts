// Whether an engine computes the numbers that every other does, to the bit: in both modes, with each build of the kernels.
import { alignColumns } from "../columns.ts";
import { type BitsMode, type BitsModel, expectedBits, logitBits } from "./same-bits.ts";

export interface BitsRun {
  readonly mode: BitsMode;
  /** Build of the kernels. */
  readonly kernels: string;
  readonly threads: number;
}

export interface BitsVerdict extends BitsRun {
  readonly sha256: string;
  readonly same: boolean;
}

export function bitsRuns<K extends string>(
  builds: readonly K[],
  threads: readonly number[],
): (BitsRun & { kernels: K })[] {
  return (Object.keys(expectedBits) as BitsMode[]).flatMap((mode) =>
    builds.flatMap((kernels) => threads.map((count) => ({ mode, kernels, threads: count }))),
  );
}

/** @param model  the embedded one, opened as `run` says; it is closed in the end */
export async function verifyBits(
  run: BitsRun,
  model: BitsModel & { close(): Promise<void> },
  signal?: AbortSignal,
): Promise<BitsVerdict> {
  const sha256 = await logitBits(model, signal).finally(() => model.close());
  return { ...run, sha256, same: sha256 === expectedBits[run.mode] };
}

/** @param engine  what computed, for people */
export function bitsReport(engine: string, verdicts: readonly BitsVerdict[]): string[] {
  const lines = (Object.keys(expectedBits) as BitsMode[]).flatMap((mode) => {
    const own = verdicts.filter((verdict) => verdict.mode === mode);
    const rows = own.map(({ kernels, threads, sha256, same }) => {
      return [
        `${kernels} SIMD`,
        threads === 1 ? "1 thread" : `${threads} threads`,
        sha256,
        same ? "same" : "DIFFERENT",
      ];
    });
    return [mode, ...alignColumns([["expected", "", expectedBits[mode], ""], ...rows], "llll")];
  });
  const different = verdicts.filter(({ same }) => !same).length;
  const verdict =
    different === 0
      ? "These are the bits that every engine gives."
      : `${different} of ${verdicts.length} runs gave other bits. Please report this, with the lines above.`;
  return [engine, ...lines, verdict];
}
