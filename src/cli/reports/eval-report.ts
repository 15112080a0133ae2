// Quality figures as text and as JSON.

import { alignColumns } from "../../columns.ts";
import { type EvalHeader, type EvaluatedRun, missingWindows, shardName } from "../../oracle/eval/eval-file.ts";
import { scoredPositions } from "../../oracle/eval/eval-plan.ts";
import type { WindowScores } from "../../oracle/eval/evaluate.ts";
import { type Estimate, qualityOf } from "../../oracle/eval/quality.ts";
import { formatInteger, shortest } from "../../quantities.ts";

export interface EvalReport {
  readonly header: EvalHeader;
  readonly scores: readonly WindowScores[];
}

export function evalJson({ header, scores }: EvalReport): string {
  const { model, base, text, window, windows, shard } = header;
  const { base: againstBase, ...own } = qualityOf(scores);
  const report = {
    model,
    ...(base && { base }),
    text,
    window,
    windows: { of: windows, shard: shardName(shard), done: scores.length, missing: missingWindows(header, scores) },
    ...own,
    ...(againstBase && { againstBase }),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

export function evalText({ header, scores }: EvalReport): string {
  const { model, base, text, window, windows, shard } = header;
  const { positions, perplexity, base: against } = qualityOf(scores);
  const part = shard.count === 1 ? "" : `, shard ${shardName(shard)}`;
  const percent = (value: number): string => `${fiveDigits(100 * value)} %`;
  const rows = [
    row("perplexity", perplexity),
    ...(against === undefined
      ? []
      : [
          row("perplexity of the base", against.perplexity),
          row("ratio of the two", against.perplexityRatio),
          row("mean KL divergence", against.kl.mean),
          ["  median, 90 %, 99 %", ...single([against.kl.median, against.kl.p90, against.kl.p99])],
          ["  largest", ...single([against.kl.max])],
          row("same top token", against.sameTop, percent),
          row("RMS of Δp", against.rmsDeltaP, percent),
        ]),
  ];
  const lines = [
    `model  ${runLine(model)}`,
    ...(base === undefined ? [] : [`base   ${runLine(base)}`]),
    `text   ${text.name}, ${formatInteger(text.tokens)} tokens: ` +
      `${formatInteger(scores.length)} of ${formatInteger(windows)} windows of ${formatInteger(window)}${part}, ` +
      `${formatInteger(positions)} positions (${formatInteger(scoredPositions(window))} each)`,
    "",
    ...alignColumns([["", "", "", "95 % interval"], ...rows], "lrrr"),
  ];
  return `${lines.join("\n")}\n`;
}

function row(label: string, { value, error, low, high }: Estimate, shown = fiveDigits): string[] {
  return [label, shown(value), `± ${shown(error)}`, `${shown(low)} to ${shown(high)}`];
}

function single(values: readonly number[]): string[] {
  return [values.map(fiveDigits).join(", "), "", ""];
}

const fiveDigits = (value: number): string => shortest(value, 5);

function runLine({ name, backend, mode, kvType, quantize }: EvaluatedRun): string {
  const weights = quantize === undefined ? "" : ` · weights to ${quantize}`;
  return `${name} · ${backend} ${mode}${weights} · KV ${kvType}`;
}
