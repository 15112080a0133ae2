// `npm run bench`: measurements for those who work on this package, beside `lfm2 bench`, which everyone has.
//
//   npm run bench -- [MODEL] [OPTIONS]                 lfm2 bench
//   npm run bench -- --peers [MODEL…] [-t 1,2] [--mode int8,exact] [--kernels baseline,relaxed] [-p 512] [-n 48] [-r 3]
//                    [--count 8] [--only native,browser] [--folder F] [--json]   other engines on the same files, as ratios
//   npm run bench -- --sequences [MODEL] [-t 2] [-c 16384] [--count 8] [--only decode|reading|turns]   many at once
//   npm run bench -- --kernels [--formats Q4_0,…] [--mode int8|exact] [--mb 256] [--json]   every kernel by itself
//   npm run bench -- --steps                           the int4 kernel in steps: examples/int4-gemv
//
// `--kernels` with builds after it, such as `--kernels baseline,relaxed`, is the option of `lfm2 bench`.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const args = process.argv.slice(2);
const without = (flag: string): string[] => args.filter((arg) => arg !== flag);
const afterKernels = args[args.indexOf("--kernels") + 1];

try {
  if (args.includes("--peers")) {
    const controller = new AbortController();
    process.once("SIGINT", () => controller.abort(new Error("Stopped by Ctrl-C.")));
    const { runPeers } = await import("./peers-report.ts");
    const isMeasured = await runPeers(without("--peers"), controller.signal);
    process.exit(controller.signal.aborted ? 130 : isMeasured ? 0 : 1); // llama.cpp and Chromium may leave something open
  } else if (args.includes("--sequences")) {
    const { runSequences } = await import("./sequences.ts");
    await runSequences(without("--sequences"));
  } else if (args.includes("--kernels") && (afterKernels === undefined || afterKernels.startsWith("-"))) {
    const { runKernels } = await import("./kernels-report.ts");
    await runKernels(without("--kernels"));
  } else if (args.includes("--steps")) {
    process.exitCode = await runProgram("../../../examples/int4-gemv/measure.ts", []);
  } else {
    // The command line is a door, which this room may not import.
    process.exitCode = await runProgram("../../cli/main.ts", ["bench", ...args]);
  }
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}

function runProgram(path: string, args: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL(path, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], { stdio: "inherit" });
  process.on("SIGINT", () => {}); // it prints what it has, and ends
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
