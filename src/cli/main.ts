#!/usr/bin/env node
// The process of the `lfm2` command: its streams, its signals, and its exit code.
import { tellError } from "./exit.ts";
import { lfm2 } from "./program.ts";
import { exitOnSignals } from "./signals.ts";

// A reader that stops early, such as `head`, has what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`error: standard output: expected a place to write, found ${error.code}.\n`);
  process.exit(1);
});
process.stderr.on("error", () => {});
exitOnSignals();

try {
  await lfm2(process.argv.slice(2));
} catch (error) {
  // Without waiting for all work to end: standard input may still be open.
  process.exit(tellError(error));
}
