// `lfm2 verify`: whether this machine's engine computes the numbers that every other does, to the bit.
import { Command } from "commander";
import { open } from "../../index.ts";
import { threadsText } from "../../load/threads-text.ts";
import { type BitsMode, expectedBits, logitBits } from "../../oracle/same-bits.ts";
import { type KernelBuildName, usableBuilds } from "../../wasm/kernels.ts";
import { integerOf } from "../options/option-values.ts";
import { abortOnInterrupt } from "../signals.ts";
import { alignColumns } from "../terminal/columns.ts";
import { createProgressLine } from "../terminal/progress-line.ts";

interface VerifyFlags {
  readonly threads?: number;
  readonly json?: true;
}

interface Verdict {
  readonly mode: BitsMode;
  readonly kernels: KernelBuildName;
  readonly threads: number;
  readonly sha256: string;
  readonly same: boolean;
}

const notes = `
The hash is the SHA-256 of the embedded model's float32 logits after each of 3 × 64 ids, little-endian, in one mode of
arithmetic. It does not depend on engine, processor, build of the kernels, threads, or how prompts are cut. Exit codes: 0
the same, 1 not.`;

export function verifyCommand(): Command {
  return new Command("verify")
    .description("hash the embedded model's logits, and compare with the hash that every engine gives")
    .option("-t, --threads <count>", "threads of the kernels; 1 and 2 by default", integerOf("--threads", 1))
    .option("--json", "print one JSON object instead of text")
    .addHelpText("after", notes)
    .action(run);
}

async function run({ threads: stated, json }: VerifyFlags): Promise<void> {
  const signal = abortOnInterrupt();
  const progress = createProgressLine();
  const builds = usableBuilds().toReversed();
  const verdicts: Verdict[] = [];
  let threads = "";
  try {
    const model = await open(undefined, { signal });
    threads = threadsText(model.settings);
    await model.close();
    for (const mode of ["exact", "int8"] as const) {
      for (const kernels of builds) {
        for (const threads of stated === undefined ? [1, 2] : [stated]) {
          progress.show(`Running ${mode}, ${kernels} SIMD, threads: ${threads}`);
          const model = await open(undefined, { mode, kernels, threads, signal });
          const sha256 = await logitBits(model, signal).finally(() => model.close());
          verdicts.push({ mode, kernels, threads, sha256, same: sha256 === expectedBits[mode] });
        }
      }
    }
  } finally {
    progress.clear();
  }
  const engine = `node ${process.versions.node}, V8 ${process.versions.v8}, ${process.arch}; without -t ${threads}`;
  if (json) process.stdout.write(`${JSON.stringify({ engine, expected: expectedBits, found: verdicts }, null, 2)}\n`);
  else process.stdout.write(`${report(engine, verdicts).join("\n")}\n`);
  if (verdicts.some(({ same }) => !same)) process.exitCode = 1;
}

function report(engine: string, verdicts: readonly Verdict[]): string[] {
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
