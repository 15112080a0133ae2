// `lfm2 logits`: the model's raw numbers after each of some token ids.
import { Command } from "commander";
import { writeSafetensors } from "../../formats/hf/safetensors.ts";
import type { Logits } from "../../index.ts";
import { formatBytes, formatDuration } from "../../quantities.ts";
import { UsageError } from "../exit.ts";
import { openModel, tokenizerOf } from "../files/open-model.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";
import { addEditOption, type EditFlags } from "../options/edit-option.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { aboutFlags, tokenIds } from "../options/option-values.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface LogitsFlags extends ModelFlags, EditFlags {
  readonly ids?: number[];
  readonly prompt?: string;
  readonly output?: string;
  readonly force?: true;
  readonly json?: true;
}

const SHOWN = 5;

const examples = `
Examples:
  $ lfm2 logits --ids 1,6,330 -o logits.safetensors
  $ lfm2 logits -m LFM2-350M/ --prompt "Once upon a time" --json
  $ lfm2 logits --ids 1,6,330 --edit softmax k:2@5 -o edited.safetensors
  $ lfm2 logits -m LFM2-8B-A1B-Q4_0.gguf --ids 1,2,3 --mode exact --backend reference -o reference.safetensors

The file holds logits (F32 [positions, vocabulary], before temperature) and input_ids (I64 [positions]).`;

export function logitsCommand(): Command {
  const command = new Command("logits").description("write the logits after each of some token ids");
  command
    .option("--ids <ids>", "token ids, such as 1,2,3", tokenIds("--ids"))
    .addOption(
      command
        .createOption("-p, --prompt <text>", "text instead of ids; the beginning-of-text token is put before it")
        .conflicts("ids"),
    )
    .option("-o, --output <path>", "the safetensors file to write")
    .option("--force", "replace an existing file")
    .option("--json", `print the shape and the ${SHOWN} highest logits of the last position as JSON`);
  return addModelOptions(addEditOption(command)).addHelpText("after", examples).action(run);
}

async function run(flags: LogitsFlags): Promise<void> {
  const { output } = flags;
  if (flags.ids === undefined && !flags.prompt) {
    throw new UsageError({
      subject: "logits",
      expected: "--ids or --prompt",
      found: "neither",
      remedy: "Try: lfm2 logits --ids 1,2,3",
    });
  }
  if (output !== undefined) await checkFree(output, flags.force);
  const signal = abortOnInterrupt();
  const opened = await openModel(flags, signal);
  const { model, name } = opened;
  try {
    note(computationLine(model.settings));
    const ids = flags.ids ?? (await (await tokenizerOf(opened)).encode(flags.prompt as string, { addBos: true }));
    const progress = createPrefillProgress();
    const begin = performance.now();
    const logits = await model
      .logits(ids, { edits: flags.edit, signal, onProgress: progress.onProgress })
      .catch((error: unknown) => {
        throw flags.ids === undefined ? error : aboutFlags(error, { prompt: "--ids" });
      })
      .finally(progress.clear);
    note(`${ids.length} × ${logits.cols} logits in ${formatDuration(performance.now() - begin)}`);

    if (output !== undefined) {
      const file = safetensorsOf(logits, ids);
      await writeWhole(output, file);
      note(`Wrote ${output} (${formatBytes(file.byteLength)}).`);
    }
    const tokenizer = await model.tokenizer().catch(() => undefined);
    const top = highest(logits).map(([id, logit]) => ({ id, logit, text: tokenizer?.textOf(id) ?? null }));
    const { rows, cols } = logits;
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ model: name, shape: [rows, cols], ids, top }, null, 2)}\n`);
    } else if (output === undefined) {
      const lines = top.map(({ id, logit, text }) => {
        const shown = text === null ? "" : `  ${harmless(process.stdout, JSON.stringify(text))}`;
        return `${String(id).padStart(8)}  ${logit.toFixed(5).padStart(10)}${shown}\n`;
      });
      process.stdout.write(`The ${SHOWN} highest logits after the last of ${rows} positions:\n${lines.join("")}`);
    }
  } finally {
    await model.close();
  }
}

function safetensorsOf({ data, rows, cols }: Logits, ids: readonly number[]): Uint8Array {
  return writeSafetensors(
    new Map([
      ["input_ids", { dtype: "I64" as const, shape: [rows], data: BigInt64Array.from(ids, BigInt) }],
      ["logits", { dtype: "F32" as const, shape: [rows, cols], data }],
    ]),
  );
}

/** [id, logit] of the last row, highest first; of equal ones the lower id. */
function highest({ data, rows, cols }: Logits): [number, number][] {
  const row = data.subarray((rows - 1) * cols);
  const ids = Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b);
  return ids.slice(0, SHOWN).map((id) => [id, row[id]]);
}
