// `lfm2 golden make`: a run's tensors as expected values, with tolerances and their reasons.
import { Command } from "commander";
import type { GoldenTolerance } from "../../../oracle/golden/golden-manifest.ts";
import { defaultTolerances, goldenPoints, writeGolden } from "../../../oracle/golden/write-golden.ts";
import { planTrace } from "../../../oracle/trace/trace-plan.ts";
import { formatBytes, formatInteger } from "../../../quantities.ts";
import { UsageError } from "../../exit.ts";
import { openModel } from "../../files/open-model.ts";
import { addInputOptions, type InputFlags, inputIds, statedInput } from "../../options/input-options.ts";
import { addModelOptions, type ModelFlags } from "../../options/model-options.ts";
import { numberOrText } from "../../options/option-values.ts";
import { refuseFlags } from "../../options/refused-flags.ts";
import { addTraceChoice, type TraceChoiceFlags } from "../../options/trace-choice.ts";
import { abortOnInterrupt } from "../../signals.ts";
import { createPrefillProgress } from "../../terminal/prefill-progress.ts";
import { computationLine } from "../../terminal/settings-line.ts";
import { note } from "../../terminal/terminal.ts";
import { aboutTrace, choosing, EXACT_UNLESS } from "../trace.ts";
import { makeSessions } from "./sessions.ts";

interface MakeFlags extends ModelFlags, InputFlags, TraceChoiceFlags {
  readonly output: string;
  readonly sessions?: true;
  readonly atol?: number;
  readonly rtol?: number;
  readonly reason?: string;
  readonly force?: true;
}

const examples = `
Examples:
  $ lfm2 golden make --chat "Hello!" -o golden/hello
  $ lfm2 golden make -m LFM2-8B-A1B-Q4_0.gguf --ids 1,2,3 --points lm_head "**.gate.*" -o golden/routing
  $ lfm2 golden make --ids 1,2,3 --backend reference --atol 1e-4 --reason "bfloat16 weights" -o golden/loose
  $ lfm2 golden make -m MODEL --sessions -o golden/sessions

${EXACT_UNLESS} The directory holds golden.safetensors and golden.json: the ids, the
model and its SHA-256, and tolerances with their reasons, which may be edited. With --sessions they are
sessions.safetensors and sessions.json; docs/oracle.md says how a runtime replays them.`;

export function makeCommand(): Command {
  const make = new Command("make").description("write a run's tensors as expected values");
  addInputOptions(make).requiredOption("-o, --output <directory>", "the directory to write; new, or empty");
  addTraceChoice(make, "the output of every layer, routers, logits")
    .option("--atol <number>", "absolute difference to allow, instead of one by the arithmetic", tolerance("--atol"))
    .option("--rtol <number>", "difference to allow in parts of the expected number", tolerance("--rtol"))
    .option("--reason <text>", "why so much is allowed")
    .option(
      "--sessions",
      "instead of a run of some ids, scenarios of several sequences: slots, cache hits, rejected guesses",
    )
    .option("--force", "replace a golden that is there");
  return addModelOptions(make, { mode: "exact" }).addHelpText("after", examples).action(run);
}

function tolerance(flag: string): (text: string) => number {
  return (text) => {
    const value = numberOrText(text);
    if (typeof value === "number" && value >= 0) return value;
    throw new UsageError({ subject: flag, expected: "a number from 0, such as 1e-4", found: JSON.stringify(text) });
  };
}

async function run(flags: MakeFlags): Promise<void> {
  const { output, ids, prompt, chat, points, positions, atol, rtol, reason, force, sessions } = flags;
  if (sessions) {
    const stated = { "--ids": ids, "--prompt": prompt, "--chat": chat, "--points": points, "--positions": positions };
    refuseFlags(stated, "--sessions, whose scenarios have ids of their own, and logits");
  } else statedInput("golden make", flags);
  if ((atol !== undefined || rtol !== undefined) !== (reason !== undefined)) {
    throw new UsageError({
      subject: "--reason",
      expected: "one with --atol or --rtol, and only then",
      found: reason === undefined ? "none" : "one alone",
      remedy: "A tolerance states its reason.",
    });
  }
  const signal = abortOnInterrupt();
  const own: GoldenTolerance[] =
    reason === undefined ? [] : [{ points: "**", atol: atol ?? 0, rtol: rtol ?? 0, reason }];
  if (sessions) return makeSessions(flags, own.length > 0 ? own : undefined, commandLine(), signal);
  const opened = await openModel({ mode: "exact", ...flags }, signal);
  const { model, name } = opened;
  try {
    const given = await inputIds(opened, flags);
    const chosen = points ?? goldenPoints(model.config);
    const plan = choosing(() => planTrace(model.config, given.length, { points: chosen, positions }));
    note(computationLine(model.settings));
    const progress = createPrefillProgress();
    const [experts, numbers] = defaultTolerances(model.settings);
    const { onProgress } = progress;
    await writeGolden(output, model, given, {
      points: chosen,
      positions,
      name,
      force,
      signal,
      onProgress,
      tolerances: [experts, ...(own.length > 0 ? own : [numbers])],
      source: flags.model,
      again: commandLine(),
    })
      .catch((error: unknown) => {
        throw aboutTrace(error);
      })
      .finally(progress.clear);
    note(`Wrote ${output}: ${formatInteger(plan.points.length)} tensors, ${formatBytes(plan.bytes)}.`);
  } finally {
    await model.close();
  }
}

/** What was typed, as a shell would read it again. */
function commandLine(): string {
  const quoted = process.argv.slice(2).map((text) => {
    return /^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  });
  return ["lfm2", ...quoted].join(" ");
}
