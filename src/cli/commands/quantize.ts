// `lfm2 quantize`: a model in fewer bits, as one GGUF file.
import { Command, Option } from "commander";
import { blockFormats } from "../../blocks/formats.ts";
import { type QuantizationType, quantizationTypes } from "../../formats/gguf/file-types.ts";
import { formatBytes, formatDuration, formatPercent, threeDigits } from "../../quantities.ts";
import { type Quantized, quantize } from "../../quantize/quantize.ts";
import { UsageError } from "../exit.ts";
import { openFiles, sayWarnings } from "../files/open-files.ts";
import { checkFree, writePieces } from "../files/write-file.ts";
import { addNetworkOptions, type ModelFlags } from "../options/model-options.ts";
import { nameOf } from "../reports/model-facts.ts";
import { formatLines } from "../reports/written-formats.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { note } from "../terminal/terminal.ts";

interface QuantizeFlags extends Pick<ModelFlags, "stallTimeout" | "offline" | "cache"> {
  readonly output: string;
  readonly type: QuantizationType;
  readonly force?: true;
}

const examples = `
Examples:
  $ lfm2 quantize LFM2-8B-A1B/ -o LFM2-8B-A1B-Q4_0.gguf --type Q4_0
  $ lfm2 quantize LFM2-1.2B-F16.gguf -o LFM2-1.2B-Q4_K_M.gguf --type Q4_K_M

Norms, convolution taps and routers stay in F32; Q4_0 and the K mixes keep the embedding in Q6_K, as llama.cpp does.`;

export function quantizeCommand(): Command {
  const command = new Command("quantize")
    .description("write a model in fewer bits, as a GGUF file")
    .argument("<path or URL>", "a Hugging Face model folder, or a GGUF file")
    .requiredOption("-o, --output <path>", "the GGUF file to write")
    .addOption(typeOption("--type"))
    .option("--force", "replace an existing file");
  return addNetworkOptions(command).addHelpText("after", examples).action(run);
}

/** An option for a mix of block formats, checked. */
export function typeOption(flag: string): Option {
  return new Option(`${flag} <type>`, `one of ${quantizationTypes.join(", ")}`)
    .makeOptionMandatory()
    .argParser((text): QuantizationType => {
      const type = quantizationTypes.find((known) => known === text.toUpperCase());
      if (type !== undefined) return type;
      throw new UsageError({ subject: flag, expected: quantizationTypes.join(", "), found: JSON.stringify(text) });
    });
}

async function run(source: string, { output, type, force, ...flags }: QuantizeFlags): Promise<void> {
  await checkFree(output, force);
  const signal = abortOnInterrupt();
  const checkpoint = await openFiles(source, { ...flags, reads: "whole" }, signal);
  const progress = createProgressLine();
  const begin = performance.now();
  try {
    const name = nameOf(checkpoint.metadata, source);
    const onProgress = (done: number, total: number): void =>
      progress.show(`Quantizing: ${formatPercent(done, total)} of ${formatBytes(total)}`);
    const quantized = await writePieces(output, (sink) =>
      quantize(checkpoint, sink, { type, name, signal, onProgress }),
    );
    progress.clear();
    sayWarnings(quantized.warnings);
    for (const line of summaryOf(output, quantized, performance.now() - begin)) note(line);
  } finally {
    progress.clear();
    await Promise.all(checkpoint.files.map((opened) => opened.close()));
  }
}

function summaryOf(output: string, { tensors, fileBytes }: Quantized, milliseconds: number): string[] {
  const before = tensors.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0);
  const after = tensors.reduce((sum, { bytesAfter }) => sum + bytesAfter, 0);
  const again = tensors.find(({ from, to }) => from !== to && isQuantized(from) && isQuantized(to));
  const ratio = `weights ${formatBytes(before)} → ${formatBytes(after)}, ${threeDigits((100 * after) / before)} %`;
  return [
    `Wrote ${output} (${formatBytes(fileBytes)}) in ${formatDuration(milliseconds)}: ${ratio}.`,
    ...formatLines(tensors.map(({ to, weights, bytesAfter }) => ({ format: to, weights, bytes: bytesAfter }))),
    ...(again === undefined
      ? []
      : [`Some weights were quantized before (${again.from}); quantizing the original model would lose less.`]),
  ];
}

function isQuantized(format: keyof typeof blockFormats): boolean {
  return blockFormats[format].blockLength > 1;
}
