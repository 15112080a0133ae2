// `lfm2 doctor`: whether a checkpoint is what it should be, before anyone waits for it.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { LanguageModel } from "../../index.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { type PublishedEntry, readPublished } from "../../oracle/published/entry.ts";
import { diskFolder } from "../../sources/disk.ts";
import { freeMemory } from "../../worker/free-memory.ts";
import { Interrupted } from "../exit.ts";
import { locateFiles, sayWarnings } from "../files/open-files.ts";
import { openModel, sayEmbedded } from "../files/open-model.ts";
import { addFileOptions, checkOneModel, type ModelFlags, statedModelOptions } from "../options/model-options.ts";
import {
  type Check,
  diagnosisReport,
  type GreedyRun,
  isQuick,
  publishedChecks,
  structureChecks,
} from "../reports/diagnosis.ts";
import { inspectModel } from "../reports/inspection.ts";
import type { PublishedCheck } from "../reports/published-report.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createProgressLine } from "../terminal/progress-line.ts";
import { harmless } from "../terminal/terminal.ts";
import { checkPublished, NothingPublished } from "./golden/published.ts";

interface DoctorFlags extends ModelFlags {
  readonly run: boolean;
  readonly json?: true;
}

const published = fileURLToPath(new URL("../../../golden/published", import.meta.url));
/** What is asked of every model; its ids, where there is no tokenizer to ask with. */
const QUESTION = "What is the capital of France?";
const IDS = [1, 2, 3, 4];
const GREEDY_TOKENS = 16;

const examples = `
Examples:
  $ lfm2 doctor LFM2-8B-A1B-Q4_K_M.gguf
  $ lfm2 doctor hf:LiquidAI/LFM2-1.2B --no-run        what the headers tell; fetches no weights

What is published of the real checkpoints is in golden/published; of most, only some facts are. "unknown" is no pass.
Exit code 1 when a check fails.`;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("check a checkpoint: tensors, tokenizer, template, hash, memory, and two short runs")
    .argument("[path, name or URL]", "a GGUF file or a Hugging Face model folder; without it, the embedded model")
    .option("-m, --model <path, name or URL>", "the same as an option")
    .option("--no-run", "read no weights: no hash, and no greedy ids")
    .option("--json", "print one JSON object instead of text");
  return addFileOptions(command).addHelpText("after", examples).action(run);
}

async function run(place: string | undefined, flags: DoctorFlags): Promise<void> {
  checkOneModel(place, flags);
  const model = place ?? flags.model;
  if (model === undefined) sayEmbedded();
  const checks = await diagnose({ ...flags, model }, abortOnInterrupt());
  const { stdout } = process;
  if (flags.json) stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`);
  else stdout.write(harmless(stdout, `${diagnosisReport(checks).join("\n")}\n`));
  if (checks.some(({ verdict }) => verdict === "fails")) process.exitCode = 1;
}

async function diagnose(flags: DoctorFlags, signal: AbortSignal): Promise<Check[]> {
  const inspection = await inspectModel(flags.model, statedModelOptions(flags), flags).catch(unlessOurs);
  if (inspection instanceof Lfm2Error) return [{ name: "files", verdict: "fails", says: inspection.message }];
  sayWarnings(inspection.warnings);
  const structure = structureChecks(inspection, await freeMemory());
  const isRun = flags.run && structure.every(({ verdict }) => verdict !== "fails");
  if (!isRun) return [...structure, ...publishedChecks(inspection, undefined, [])];
  // Fetched once, where it has to be.
  const local = { ...flags, model: await placeOf(flags, signal) };
  const runs = [await greedyRun(local, "int8", signal), await greedyRun(local, "exact", signal)];
  const entries = (await readPublished(diskFolder(published), signal)) ?? [];
  return [...structure, ...publishedChecks(inspection, await factsHeld(entries.filter(isQuick), local, signal), runs)];
}

/** The path of the model, which was fetched if it had to be; the URL of one that cannot be kept. */
async function placeOf(flags: DoctorFlags, signal: AbortSignal): Promise<string | undefined> {
  const { files, container } = await locateFiles(flags.model, { ...flags, reads: "whole" }, signal);
  await Promise.all(files.map((file) => file.close()));
  const [first] = files;
  if (first.descriptor.kind !== "file") return flags.model;
  const isFile = container.startsWith("GGUF") || /\.safetensors$/i.test(flags.model ?? "");
  return isFile ? first.name : dirname(first.name);
}

async function factsHeld(
  entries: readonly PublishedEntry[],
  flags: ModelFlags,
  signal: AbortSignal,
): Promise<PublishedCheck[] | undefined> {
  try {
    return await checkPublished(entries, flags, signal);
  } catch (error) {
    if (error instanceof NothingPublished) return undefined;
    throw error;
  }
}

async function greedyRun(flags: ModelFlags, mode: GreedyRun["mode"], signal: AbortSignal): Promise<GreedyRun> {
  const opened = await openModel({ ...flags, mode }, signal).catch(unlessOurs);
  if (opened instanceof Lfm2Error) return { mode, ids: undefined, error: opened.message };
  const line = createProgressLine();
  line.show(`Running in mode ${mode}`);
  try {
    const prompt = await promptOf(opened.model);
    const ids: number[] = [];
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: GREEDY_TOKENS, signal };
    for await (const id of opened.model.generate(prompt, options)) ids.push(id);
    return { mode, ids };
  } catch (error) {
    return { mode, ids: undefined, error: unlessOurs(error).message };
  } finally {
    line.clear();
    await opened.model.close();
  }
}

/** A damaged tokenizer or template is another check's to name. */
async function promptOf(model: LanguageModel): Promise<readonly number[]> {
  return model.encodeChat([{ role: "user", content: QUESTION }]).catch((error: unknown) => {
    unlessOurs(error);
    return IDS;
  });
}

/** @throws what is no fault of the checkpoint */
function unlessOurs(error: unknown): Lfm2Error {
  if (error instanceof Interrupted || !(error instanceof Lfm2Error)) throw error;
  return error;
}
