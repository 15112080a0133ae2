// `lfm2 inspect`: what a model is, without reading its weights.
import { Command } from "commander";
import { drawLayers } from "../../picture/layers.ts";
import { sayEmbedded } from "../files/open-model.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";
import {
  addFileOptions,
  addMemoryOptions,
  checkOneModel,
  type ModelFlags,
  statedModelOptions,
} from "../options/model-options.ts";
import { aboutFlags } from "../options/option-values.ts";
import { type Inspection, inspectModel } from "../reports/inspection.ts";
import { reportInspection } from "../reports/inspection-report.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface InspectFlags extends Omit<ModelFlags, "backend"> {
  readonly tensors?: true;
  readonly json?: true;
  readonly svg?: string;
  readonly force?: true;
}

const examples = `
Examples:
  $ lfm2 inspect LFM2-8B-A1B-Q4_0.gguf
  $ lfm2 inspect LFM2-1.2B/ --context 128000 --kv-type int8
  $ lfm2 inspect --tensors --json
  $ lfm2 inspect LFM2-350M.gguf --svg layers.svg`;

export function inspectCommand(): Command {
  const command = new Command("inspect")
    .description("show architecture, layers, formats, and the memory a model will need")
    .argument("[path or URL]", "a GGUF file or a Hugging Face model folder; without it, the embedded model")
    .option("-m, --model <path or URL>", "the same as an option")
    .option("--tensors", "list every tensor")
    .option("--svg <path>", "draw the layers into an SVG file")
    .option("--force", "replace an existing file")
    .option("--json", "print one JSON object instead of text");
  return addFileOptions(addMemoryOptions(command)).addHelpText("after", examples).action(run);
}

async function run(place: string | undefined, flags: InspectFlags): Promise<void> {
  checkOneModel(place, flags);
  if (flags.svg !== undefined) await checkFree(flags.svg, flags.force);
  const source = place ?? flags.model;
  if (source === undefined) sayEmbedded();
  const options = statedModelOptions(flags);
  const inspection = await inspectModel(source, options, flags).catch((error: unknown) => {
    throw aboutFlags(error);
  });
  if (flags.svg !== undefined) {
    await writeWhole(flags.svg, drawLayers(inspection.config, inspection.name));
    note(`Wrote ${flags.svg}.`);
  }
  const { stdout } = process;
  if (flags.json) stdout.write(`${JSON.stringify(jsonOf(inspection, flags.tensors === true), null, 2)}\n`);
  else stdout.write(harmless(stdout, reportInspection(inspection, options, flags.tensors === true)));
}

function jsonOf({ facts, tensors, ...inspection }: Inspection, withTensors: boolean): object {
  return { ...inspection, ...facts, ...(withTensors ? { tensors } : {}) };
}
