// `lfm2 synth`: a model of a published model's shape with random weights.
import { Command, Option } from "commander";
import type { QuantizationType } from "../../formats/gguf/file-types.ts";
import { checkedConfig } from "../../formats/hf/config.ts";
import { jsonLimits, parseJsonObject } from "../../formats/json.ts";
import { formatBytes, formatDuration, formatPercent } from "../../quantities.ts";
import { type ShapeName, shapes, withLayers } from "../../synth/shapes.ts";
import { synthesize } from "../../synth/synthesize.ts";
import { UsageError } from "../exit.ts";
import { sayWarnings } from "../files/open-files.ts";
import { decodeText, MAX_JSON_BYTES, readBytes } from "../files/text-input.ts";
import { checkFree, writePieces } from "../files/write-file.ts";
import { integerOf } from "../options/option-values.ts";
import { formatLines } from "../reports/written-formats.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { note } from "../terminal/terminal.ts";
import { typeOption } from "./quantize.ts";

interface SynthFlags {
  readonly shape?: ShapeName;
  readonly config?: string;
  readonly quant: QuantizationType;
  readonly layers?: number;
  readonly seed: number;
  readonly output: string;
  readonly force?: true;
}

const examples = `
Examples:
  $ lfm2 synth --shape lfm2-8b-a1b --quant Q4_0 -o synthetic.gguf
  $ lfm2 synth --shape lfm2.5-8b-a1b --quant Q4_K_M --layers 8 -o eight-layers.gguf
  $ lfm2 synth --config LFM2-1.2B/config.json --quant Q8_0 -o synthetic.gguf

The weights are random and so is what the model says: such files are for measuring speed, memory and arithmetic.`;

export function synthCommand(): Command {
  return new Command("synth")
    .description("write a GGUF file of a model's true shape with random weights")
    .addOption(new Option("--shape <name>", "a published model's").choices(Object.keys(shapes)).conflicts("config"))
    .option("--config <path>", "a config.json instead")
    .addOption(typeOption("--quant"))
    .addOption(new Option("--layers <count>", "the first layers only").argParser(integerOf("--layers", 1)))
    .addOption(new Option("-s, --seed <integer>", "of the weights").argParser(integerOf("--seed", 0)).default(1))
    .requiredOption("-o, --output <path>", "the GGUF file to write")
    .option("--force", "replace an existing file")
    .addHelpText("after", examples)
    .action(run);
}

async function run({ shape, config: path, quant, layers, seed, output, force }: SynthFlags): Promise<void> {
  if (shape === undefined && path === undefined) {
    throw new UsageError({
      subject: "synth",
      expected: `--shape ${Object.keys(shapes).join(", ")}, or --config`,
      found: "neither",
    });
  }
  await checkFree(output, force);
  const whole = shape === undefined ? await readConfigFile(path as string) : shapes[shape];
  const has = whole.num_hidden_layers;
  if (layers !== undefined && typeof has === "number" && layers > has) {
    throw new UsageError({ subject: "--layers", expected: `at most ${has}, as many as the model has`, found: layers });
  }
  const config = layers === undefined ? whole : withLayers(whole, layers);
  const signal = abortOnInterrupt();
  const progress = createProgressLine();
  const begin = performance.now();
  try {
    const onProgress = (done: number, total: number): void =>
      progress.show(`Writing: ${formatPercent(done, total)} of ${formatBytes(total)}`);
    const name = `${shape ?? "model"} synthetic`;
    const { tensors, fileBytes } = await writePieces(output, (sink) =>
      synthesize(config, sink, { type: quant, name, seed, signal, onProgress }),
    );
    progress.clear();
    note(`Wrote ${output} (${formatBytes(fileBytes)}) in ${formatDuration(performance.now() - begin)}.`);
    for (const line of formatLines(tensors)) note(line);
  } finally {
    progress.clear();
  }
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const bytes = await readBytes(path, { expected: "a config.json", maxBytes: MAX_JSON_BYTES });
  const warnings: string[] = [];
  const config = checkedConfig(parseJsonObject(decodeText(bytes, path), path, jsonLimits.settings), path, warnings);
  sayWarnings(warnings);
  return config;
}
