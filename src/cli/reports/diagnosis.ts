// What `lfm2 doctor` says of a checkpoint, from what its files hold and from what is published of it.
import { type FreeMemory, fits } from "../../load/fit.ts";
import type { PublishedEntry } from "../../oracle/published/entry.ts";
import { formatBytes, formatCount, formatGigabytes, formatInteger } from "../../quantities.ts";
import type { Inspection } from "./inspection.ts";
import type { PublishedCheck } from "./published-report.ts";

export interface Check {
  readonly name: string;
  /** `unknown`: there is nothing to hold it against, which is no pass. */
  readonly verdict: "ok" | "fails" | "unknown";
  readonly says: string;
}

/** Of one run: its greedy ids, or why there are none. */
export interface GreedyRun {
  readonly mode: "int8" | "exact";
  readonly ids: readonly number[] | undefined;
  readonly error?: string;
}

/** What the graph itself asks of files, and a model of the machine. */
export function structureChecks(inspection: Inspection, free: FreeMemory): Check[] {
  const { container, fileBytes, config, facts, tensors } = inspection;
  const layers = `${config.layerTypes.length} layers`;
  const formats = facts.formats.map(({ format }) => format).join(", ");
  return [
    { name: "files", verdict: "ok", says: `${container}, ${formatBytes(fileBytes)}` },
    {
      name: "tensors",
      verdict: "ok",
      says: `${formatInteger(tensors.length)} of the names and shapes that ${layers} ask for, in ${formats}; ${formatCount(facts.parameters)} parameters`,
    },
    memoryCheck(inspection, free),
  ];
}

function memoryCheck({ memory }: Inspection, free: FreeMemory): Check {
  const name = "memory";
  if ("error" in memory) return { name, verdict: "fails", says: memory.error };
  const says = `needs ${formatGigabytes(memory.totalBytes)}, ${free.what} is ${formatGigabytes(free.bytes)}`;
  if (fits(memory.totalBytes, free)) return { name, verdict: "ok", says };
  return { name, verdict: "fails", says: `${says}: take fewer bits, or open it with a shorter context (-c)` };
}

type Step = PublishedEntry["step"];
const isFile = (step: Step, name: RegExp): boolean => step.kind === "file" && name.test(step.name);
const isSpecial = ({ id }: PublishedEntry): boolean => id.startsWith("tok-special");
const isOfTemplate = ({ step }: PublishedEntry): boolean =>
  isFile(step, /^chat_template\./) || (step.kind === "tokens" && step.cases.some(({ input }) => "messages" in input));

/** Which published facts each check is held against. */
const topics = {
  config: ({ step }) => step.kind === "config" || step.kind === "parameters" || isFile(step, /^config\.json$/),
  "special ids": isSpecial,
  tokenizer: (entry) =>
    isFile(entry.step, /^tokenizer/) || (entry.step.kind === "tokens" && !isSpecial(entry) && !isOfTemplate(entry)),
  template: isOfTemplate,
  hash: ({ step }) => isFile(step, /\.(?:gguf|safetensors)$/i),
  greedy: ({ step }) => step.kind === "greedy",
} satisfies Readonly<Record<string, (entry: PublishedEntry) => boolean>>;

/** Facts that need no more than a run or two. */
export function isQuick(entry: PublishedEntry): boolean {
  return Object.values(topics).some((isAbout) => isAbout(entry));
}

/** @param published  of this checkpoint; undefined where nothing is, or it could not be run */
export function publishedChecks(
  inspection: Inspection,
  published: readonly PublishedCheck[] | undefined,
  runs: readonly GreedyRun[],
): Check[] {
  const held = (name: keyof typeof topics, found: string, fault?: string): Check => {
    if (fault !== undefined) return { name, verdict: "fails", says: fault };
    const own = (published ?? []).filter(({ entry, finding }) => finding !== undefined && topics[name](entry));
    const wrong = own.find(({ finding }) => finding?.passed === false);
    if (wrong !== undefined) return { name, verdict: "fails", says: `${wrong.finding?.says} (${wrong.entry.id})` };
    const ids = own.map(({ entry }) => entry.id).join(", ");
    return own.length === 0
      ? { name, verdict: "unknown", says: `${found}; nothing is published to hold it against` }
      : { name, verdict: "ok", says: `${found}; as published (${ids})` };
  };
  const { config, tokenizer, chatTemplateLength } = inspection;
  const lacking = tokenizer === null ? "the files have none" : "error" in tokenizer ? tokenizer.error : undefined;
  const ends = tokenizer !== null && "eos" in tokenizer ? tokenizer.eos : [];
  const tokens = tokenizer !== null && "tokens" in tokenizer ? `${formatInteger(tokenizer.tokens)} tokens` : "";
  const template = chatTemplateLength === null ? "none: plain ChatML is used" : `${chatTemplateLength} characters`;
  const noEnd = lacking === undefined && ends.length === 0 ? "no id ends an answer" : undefined;
  const endTexts = ends.map(({ id, text }) => `${id} ${text}`).join(", ");
  return [
    held("config", `${config.hiddenSize} wide, vocabulary of ${formatInteger(config.vocabSize)}`),
    held("tokenizer", tokens, lacking),
    held("special ids", `an answer ends with ${endTexts}`, lacking ?? noEnd),
    held("template", template),
    held("hash", "SHA-256 of the weights"),
    held("greedy", runsText(runs), runs.find(({ error }) => error !== undefined)?.error),
  ];
}

function runsText(runs: readonly GreedyRun[]): string {
  if (runs.length === 0) return "not run";
  const shown = runs.map(({ mode, ids }) => `${mode} ${ids?.join(",")}`);
  const [one, other] = runs.map(({ ids }) => ids ?? []);
  const at = one.findIndex((id, i) => id !== other[i]);
  return at < 0 ? `${one.join(",")} in both modes` : `${shown.join(" and ")}, apart from token ${at} on`;
}

/** A line for each. */
export function diagnosisReport(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, verdict, says }) => {
    return `${(verdict === "fails" ? "FAILS" : verdict).padEnd(8)} ${name.padEnd(width)}  ${says}`;
  });
  const count = (verdict: Check["verdict"]): number => checks.filter((check) => check.verdict === verdict).length;
  return [...lines, "", `${count("ok")} ok, ${count("fails")} fail, ${count("unknown")} unknown.`];
}
