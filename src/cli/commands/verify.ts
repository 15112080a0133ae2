// `lfm2 verify`: whether this machine's engine computes the numbers that every other does, to the bit.
import { Command } from "commander";
import { open } from "../../index.ts";
import { threadsText } from "../../load/threads-text.ts";
import { expectedBits } from "../../oracle/same-bits.ts";
import { type BitsVerdict, bitsReport, bitsRuns, verifyBits } from "../../oracle/verify-bits.ts";
import { usableBuilds } from "../../wasm/kernels.ts";
import { integerOf } from "../options/option-values.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";

interface VerifyFlags {
  readonly threads?: number;
  readonly json?: true;
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
  const runs = bitsRuns(usableBuilds().toReversed(), stated === undefined ? [1, 2] : [stated]);
  const verdicts: BitsVerdict[] = [];
  let unstated = "";
  try {
    const model = await open(undefined, { signal });
    unstated = threadsText(model.settings);
    await model.close();
    for (const run of runs) {
      const { mode, kernels, threads } = run;
      progress.show(`Running ${mode}, ${kernels} SIMD, threads: ${threads}`);
      verdicts.push(await verifyBits(run, await open(undefined, { mode, kernels, threads, signal }), signal));
    }
  } finally {
    progress.clear();
  }
  const engine = `node ${process.versions.node}, V8 ${process.versions.v8}, ${process.arch}; without -t ${unstated}`;
  if (json) process.stdout.write(`${JSON.stringify({ engine, expected: expectedBits, found: verdicts }, null, 2)}\n`);
  else process.stdout.write(`${bitsReport(engine, verdicts).join("\n")}\n`);
  if (verdicts.some(({ same }) => !same)) process.exitCode = 1;
}
