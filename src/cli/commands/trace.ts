// `lfm2 trace`: every tensor of a run, to files.
import { Command } from "commander";
import { alignColumns } from "../../columns.ts";
import { planTrace, type TracePlan } from "../../oracle/trace/trace-plan.ts";
import { MAX_TRACE_BYTES, writeTrace } from "../../oracle/trace/write-trace.ts";
import { formatBytes, formatDuration, formatInteger } from "../../quantities.ts";
import { UsageError } from "../exit.ts";
import { openModel } from "../files/open-model.ts";
import { flagNames } from "../options/flag-names.ts";
import { addInputOptions, type InputFlags, inputIds, statedInput } from "../options/input-options.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { aboutFlags, byteCount } from "../options/option-values.ts";
import { refuseFlags } from "../options/refused-flags.ts";
import { addTraceChoice, type TraceChoiceFlags } from "../options/trace-choice.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { note } from "../terminal/terminal.ts";

interface TraceFlags extends ModelFlags, InputFlags, TraceChoiceFlags {
  readonly output?: string;
  readonly list?: true;
  readonly maxBytes?: number;
  readonly force?: true;
}

/** Of commands whose numbers are others' expectations. */
export const EXACT_UNLESS =
  "Arithmetic is exact float32 with a float32 cache unless --mode or --kv-type says otherwise.";

const examples = `
Examples:
  $ lfm2 trace --prompt "Once upon a time" -o trace/
  $ lfm2 trace -m LFM2-8B-A1B-Q4_0.gguf --chat "Hello!" --points "model.layers.{0..3}.**" lm_head -o trace/
  $ lfm2 trace -m LFM2-8B-A1B-Q4_0.gguf --ids 1,2,3 --points "**.gate.*" --mode int8 -o routing/
  $ lfm2 trace --ids 1,2,3 --list

A point's name is its module's path in transformers. In --points, * stands for anything within one part of a name, **
for any number of parts, {a,b} for either, {0..5} for a number from 0 to 5. The directory holds trace.safetensors, F32
[positions, columns] by name, and trace.json: the model and its SHA-256, the settings, the ids, the points in order.
${EXACT_UNLESS}`;

export function traceCommand(): Command {
  const command = new Command("trace").description("write every tensor at the named points of a run");
  addInputOptions(command)
    .option("-o, --output <directory>", "the directory to write; new, or empty")
    .option("--list", "only list the points, their shapes and the size");
  addTraceChoice(command)
    .option(
      "--max-bytes <size>",
      `refuse to write more, such as 500M or 20G (default: ${MAX_TRACE_BYTES / 1e9}G)`,
      byteCount("--max-bytes"),
    )
    .option("--force", "replace a trace that is there");
  return addModelOptions(command, { mode: "exact" }).addHelpText("after", examples).action(run);
}

async function run(flags: TraceFlags): Promise<void> {
  const { output, points, positions, force = false, maxBytes } = flags;
  statedInput("trace", flags);
  if (output === undefined && !flags.list) {
    throw new UsageError({ subject: "trace", expected: "-o DIRECTORY to write into, or --list", found: "neither" });
  }
  if (flags.list) {
    const ofWriting = { "--output": output, "--max-bytes": maxBytes, "--force": flags.force };
    refuseFlags(ofWriting, "--list, which writes nothing");
  }
  const signal = abortOnInterrupt();
  const opened = await openModel({ mode: "exact", ...flags }, signal);
  const { model, name } = opened;
  try {
    const ids = await inputIds(opened, flags);
    const plan = choosing(() => planTrace(model.config, ids.length, { points, positions }));
    if (output === undefined) {
      process.stdout.write(`${listing(plan).join("\n")}\n`);
      return;
    }
    note(computationLine(model.settings));
    note(`${sizeOf(plan)} will be written.`);
    const progress = createPrefillProgress();
    const begin = performance.now();
    const { onProgress } = progress;
    await writeTrace(output, model, ids, { points, positions, name, force, maxBytes, signal, onProgress })
      .catch((error: unknown) => {
        throw aboutTrace(error);
      })
      .finally(progress.clear);
    note(`Wrote ${output} in ${formatDuration(performance.now() - begin)}.`);
  } finally {
    await model.close();
  }
}

/** Errors about the choice of points and positions are about the command line. */
export function choosing<T>(choose: () => T): T {
  try {
    return choose();
  } catch (error) {
    throw aboutTrace(error);
  }
}

/** Of ids that were stated, the library speaks as of a prompt. */
export const aboutTrace = (error: unknown): unknown => aboutFlags(error, { ...flagNames, prompt: "--ids" });

function sizeOf({ points, positions: { from, to }, bytes }: TracePlan): string {
  const tensors = points.length === 1 ? "1 tensor" : `${formatInteger(points.length)} tensors`;
  return `${tensors} over positions ${from}:${to}, ${formatBytes(bytes)},`;
}

function listing(plan: TracePlan): string[] {
  const rows = plan.points.map(({ name, shape, dtype }) => [name, dtype, `[${shape.join(", ")}]`]);
  return [...alignColumns(rows, "lll"), `${sizeOf(plan).replace(/,$/, "")} in all`];
}
