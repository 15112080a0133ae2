// `lfm2 golden check golden/published`: what others have published of a checkpoint, tried on it.
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { embeddedModel } from "../../../index.ts";
import { readConfig } from "../../../model/config.ts";
import { applies, type CheckpointFacts, nameOfModel } from "../../../oracle/published/applies.ts";
import type { PublishedEntry, Step } from "../../../oracle/published/entry.ts";
import { type Finding, type ModelStep, tryStep } from "../../../oracle/published/try-step.ts";
import { formatBytes, formatPercent } from "../../../quantities.ts";
import { UsageError } from "../../exit.ts";
import { sha256OfFile, sizeOfFile } from "../../files/hash-file.ts";
import { locateFiles } from "../../files/open-files.ts";
import { openModel } from "../../files/open-model.ts";
import type { ModelFlags } from "../../options/model-options.ts";
import { type ReportFlags, writeReports } from "../../options/report-options.ts";
import { type PublishedCheck, publishedOutcomes, publishedReport } from "../../reports/published-report.ts";
import { createProgressLine } from "../../terminal/progress-line.ts";
import { computationLine } from "../../terminal/settings-line.ts";
import { harmless, note } from "../../terminal/terminal.ts";

type FileStep = Extract<Step, { readonly kind: "file" }>;

interface PublishedFlags extends ModelFlags, ReportFlags {
  readonly trace?: string;
  readonly points?: string[];
  readonly case?: string;
  readonly json?: true;
}

export async function runPublished(
  directory: string,
  entries: readonly PublishedEntry[],
  flags: PublishedFlags,
  signal: AbortSignal,
): Promise<void> {
  const { trace, points, case: name, json } = flags;
  const other = Object.entries({ "--trace": trace, "--points": points, "--case": name }).find(([, value]) => value);
  if (other !== undefined) {
    throw new UsageError({
      subject: other[0],
      expected: `none for ${directory}, which holds published facts`,
      found: "one",
      remedy: "Leave it out.",
    });
  }
  const begin = performance.now();
  const checks = await checkPublished(entries, flags, signal);
  const passed = checks.every(({ finding }) => finding?.passed !== false);
  const { stdout } = process;
  if (json) stdout.write(`${JSON.stringify({ passed, checks }, null, 2)}\n`);
  else stdout.write(harmless(stdout, `${publishedReport(checks).join("\n")}\n`));
  const outcomes = publishedOutcomes(checks);
  const verdict = passed ? undefined : outcomes.flatMap(({ failure }) => failure ?? []).join("\n");
  await writeReports(flags, `golden ${directory}`, outcomes, (performance.now() - begin) / 1000, verdict);
  if (!passed) process.exitCode = 1;
  else if (outcomes.length === 0) process.exitCode = 2; // nothing was compared, so nothing was shown
}

/** Of this checkpoint nothing is published. */
export class NothingPublished extends UsageError {}

/** @throws NothingPublished */
export async function checkPublished(
  entries: readonly PublishedEntry[],
  flags: ModelFlags,
  signal: AbortSignal,
): Promise<PublishedCheck[]> {
  const path = flags.model ?? fileURLToPath(embeddedModel);
  const files = await filesOf(path, entries, signal);
  const facts = await factsOf(flags, signal);
  const hashed = entries.filter(({ step }) => step.kind === "file" && files.get(step.name)?.sha256 === step.sha256);
  // Models share tokenizers and configs; weights tell which one it is.
  const weights = hashed.filter(({ step }) => step.kind === "file" && /\.(gguf|safetensors)$/.test(step.name));
  const known = { ...facts, names: [...facts.names, ...weights.flatMap(({ models }) => models)] };
  const chosen = entries.flatMap((entry): [PublishedEntry, PublishedCheck["by"]][] => {
    if (hashed.includes(entry)) return [[entry, "hash"]];
    if (entry.step.kind === "file" && !files.get(entry.step.name)?.isNamed) return [];
    const by = applies(entry, known);
    return by === undefined ? [] : [[entry, by === "name" && applies(entry, facts) === undefined ? "hash" : by]];
  });
  if (chosen.length === 0) {
    const names = [...new Set(facts.names.map(nameOfModel))].join(", ");
    const models = [...new Set(entries.flatMap(({ models }) => models))].join(", ");
    throw new NothingPublished({
      subject: path,
      expected: "a checkpoint that something is published of",
      found: `${names}, mostly ${facts.format}`,
      remedy: `Published are ${models}.`,
    });
  }
  return tryAll(chosen, path, files, flags, signal);
}

async function tryAll(
  chosen: readonly (readonly [PublishedEntry, PublishedCheck["by"]])[],
  path: string,
  files: ReadonlyMap<string, FileFacts>,
  flags: ModelFlags,
  signal: AbortSignal,
): Promise<PublishedCheck[]> {
  const needsModel = chosen.some(([{ step }]) => step.kind !== "file" && step.kind !== "command");
  const opened = needsModel ? await openModel({ mode: "exact", ...flags }, signal) : undefined;
  if (opened !== undefined) note(computationLine(opened.model.settings));
  const line = createProgressLine();
  try {
    const checks: PublishedCheck[] = [];
    for (const [entry, by] of chosen) {
      line.show(`Trying ${entry.id}`);
      const { step } = entry;
      if (step.kind === "command") {
        const words = step.arguments.map((word) => (word === "MODEL" ? path : word));
        checks.push({ entry, by, finding: undefined, byHand: `lfm2 ${words.join(" ")}: ${step.expected}` });
        continue;
      }
      const finding =
        step.kind === "file"
          ? fileFinding(step, files.get(step.name) as FileFacts)
          : await tryStep(opened?.model as NonNullable<typeof opened>["model"], step satisfies ModelStep, signal);
      checks.push({ entry, by, finding, byHand: undefined });
    }
    return checks;
  } finally {
    line.clear();
    await opened?.model.close();
  }
}

interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
  /** It has the name that the entry gives it, and not only the size. */
  readonly isNamed: boolean;
}

function fileFinding({ bytes, sha256 }: FileStep, found: FileFacts): Finding {
  if (found.sha256 === sha256) return { passed: true, says: `SHA-256 ${sha256.slice(0, 12)}…` };
  const size = bytes === undefined || bytes === found.bytes ? "" : `, ${found.bytes} bytes instead of ${bytes}`;
  return { passed: false, says: `SHA-256 ${found.sha256.slice(0, 12)}… instead of ${sha256.slice(0, 12)}…${size}` };
}

/** Of the model's file and of those in its folder that entries name: by the name that the entry gives it. */
async function filesOf(
  path: string,
  entries: readonly PublishedEntry[],
  signal: AbortSignal,
): Promise<Map<string, FileFacts>> {
  const found = new Map<string, FileFacts>();
  if (/^https?:/.test(path)) return found;
  const hashes = new Map<string, string>();
  const own = await sizeOfFile(path);
  const line = createProgressLine();
  try {
    for (const { step } of entries) {
      if (step.kind !== "file") continue;
      // A file that was renamed is known by its size.
      const isOwn = own !== undefined && (basename(path) === step.name || (own === step.bytes && own !== 0));
      const place = isOwn ? path : join(own === undefined ? path : dirname(path), step.name);
      const bytes = await sizeOfFile(place);
      if (bytes === undefined || (own !== undefined && /\.gguf$/i.test(step.name) && !isOwn)) continue;
      const show = (done: number): void => line.show(`Hashing ${formatPercent(done, bytes)} of ${formatBytes(bytes)}`);
      const sha256 = hashes.get(place) ?? (await sha256OfFile(place, signal, show));
      hashes.set(place, sha256);
      found.set(step.name, { bytes, sha256, isNamed: basename(place) === step.name });
    }
  } finally {
    line.clear();
  }
  return found;
}

async function factsOf(flags: ModelFlags, signal: AbortSignal): Promise<CheckpointFacts> {
  const { model } = flags;
  const checkpoint = await locateFiles(model, flags, signal);
  try {
    const weights = new Map<string, number>();
    for (const { format, shape } of checkpoint.tensors.values()) {
      const count = shape.reduce((product, axis) => product * axis, 1);
      weights.set(format, (weights.get(format) ?? 0) + count);
    }
    const [[format]] = [...weights].sort(([, a], [, b]) => b - a);
    const stated = [checkpoint.metadata.get("general.name"), checkpoint.config._name_or_path, model];
    const names = [...stated, ...checkpoint.files.map(({ name }) => name)];
    const isText = (name: unknown): name is string => typeof name === "string" && name !== "";
    const { vocabSize } = readConfig(checkpoint.config, checkpoint.keyNames);
    return { names: names.filter(isText), format, vocabSize };
  } finally {
    await Promise.all(checkpoint.files.map((file) => file.close()));
  }
}
