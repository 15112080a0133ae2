// `lfm2 convert`: a model as a Hugging Face folder, in BF16 or float32.
import { Command, Option } from "commander";
import { formatBytes, formatDuration, formatPercent } from "../../quantities.ts";
import { convertToHf } from "../../quantize/convert.ts";
import { openFiles, sayWarnings } from "../files/open-files.ts";
import { checkEmptyFolder, writeFolder } from "../files/write-folder.ts";
import { addFileOptions, type FileFlags } from "../options/model-options.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { note } from "../terminal/terminal.ts";

interface ConvertFlags extends FileFlags {
  readonly output: string;
  readonly type: "BF16" | "F32";
}

const examples = `
Examples:
  $ lfm2 convert LFM2-1.2B-Q8_0.gguf -o LFM2-1.2B/
  $ lfm2 convert LFM2-8B-A1B-Q4_0.gguf -o LFM2-8B-A1B/ --type F32

F32 keeps the values of a quantized file exactly; BF16 rounds them, in half the bytes.`;

export function convertCommand(): Command {
  const command = new Command("convert")
    .description("write a model as a Hugging Face folder: safetensors, config, tokenizer")
    .argument("<path or URL>", "a GGUF file, or a Hugging Face model folder")
    .requiredOption("-o, --output <path>", "the folder to write; new, or empty")
    .addOption(new Option("--type <type>", "numbers of the weights").choices(["BF16", "F32"]).default("BF16"))
    .addHelpText("after", examples)
    .action(run);
  return addFileOptions(command);
}

async function run(source: string, { output, type, ...flags }: ConvertFlags): Promise<void> {
  await checkEmptyFolder(output);
  const signal = abortOnInterrupt();
  const checkpoint = await openFiles(source, { ...flags, reads: "whole" }, signal);
  const progress = createProgressLine();
  const begin = performance.now();
  try {
    const onProgress = (done: number, total: number): void =>
      progress.show(`Converting: ${formatPercent(done, total)} of ${formatBytes(total)}`);
    const { fileNames, weightBytes, warnings } = await writeFolder(output, (writeFile) =>
      convertToHf(checkpoint, writeFile, { format: type, signal, onProgress }),
    );
    progress.clear();
    sayWarnings(warnings);
    const duration = formatDuration(performance.now() - begin);
    note(`Wrote ${output} in ${duration}: ${formatBytes(weightBytes)} of ${type} weights, ${fileNames.join(", ")}.`);
    if (checkpoint.tokenizer === undefined) note("The model has no tokenizer, so none was written.");
  } finally {
    progress.clear();
    await Promise.all(checkpoint.files.map((opened) => opened.close()));
  }
}
