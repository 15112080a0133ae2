// An inspection as text for people.

import { alignColumns } from "../../columns.ts";
import type { ModelOptions } from "../../load/model-options.ts";
import { formatBytes, formatCount, formatInteger } from "../../quantities.ts";
import { samplingLine } from "../terminal/settings-line.ts";
import type { Inspection, MemoryFacts, TensorFacts, TokenFacts } from "./inspection.ts";
import type { Size } from "./model-facts.ts";

export function reportInspection(inspection: Inspection, options: ModelOptions, withTensors: boolean): string {
  const sections = [summary(inspection), layers(inspection), formats(inspection), memory(inspection, options)];
  if (inspection.warnings.length > 0) sections.push(["warnings", ...inspection.warnings].join("\n"));
  if (withTensors) sections.push(tensors(inspection.tensors));
  return `${sections.join("\n\n")}\n`;
}

function summary({ name, source, container, fileBytes, config, facts, ...rest }: Inspection): string {
  const { layerTypes, numDenseLayers, numHiddenLayers, numExperts } = config;
  const conv = layerTypes.filter((type) => type === "conv").length;
  const sparse = numHiddenLayers - numDenseLayers;
  const lines: [string, string][] = [
    ["file", `${source} · ${container} · ${formatBytes(fileBytes)}`],
    [
      "architecture",
      `${config.modelType}: ${numHiddenLayers} layers, ${conv} conv and ${layerTypes.length - conv} attention` +
        (sparse > 0 ? `; ${numDenseLayers} dense and ${sparse} sparse` : ""),
    ],
    [
      "parameters",
      formatCount(facts.parameters) +
        (numExperts > 0 ? `, ${formatCount(facts.activeParameters)} of them at work per token` : ""),
    ],
    ["widths", `hidden ${config.hiddenSize} · dense ${config.intermediateSize} · vocabulary ${config.vocabSize}`],
  ];
  if (numExperts > 0) {
    const traits = [
      config.useExpertBias ? "bias for the choice" : "no bias",
      config.normTopkProb ? "weights normalised" : "weights as they are",
    ];
    if (config.routedScalingFactor !== 1) traits.push(`scaled by ${config.routedScalingFactor}`);
    lines.push([
      "experts",
      `${config.numExpertsPerTok} of ${numExperts}, width ${config.moeIntermediateSize} · sigmoid router, ${traits.join(", ")}`,
    ]);
  }
  lines.push(
    ["convolution", `width ${config.convLCache}`],
    [
      "attention",
      `${config.numAttentionHeads} heads, ${config.numKeyValueHeads} for keys and values, size ${config.headDim} · ` +
        `RoPE base ${formatInteger(config.ropeTheta)}${scalingOf(config)}`,
    ],
    ["context", `${formatInteger(config.maxPositionEmbeddings)} positions`],
    ["tokenizer", tokenizerLine(rest.tokenizer)],
    ["chat template", templateLine(rest)],
    ["sampling", samplingLine(rest.sampling, {})],
  );
  return [name, ...alignColumns(lines, "ll")].join("\n");
}

function scalingOf({ ropeScaling }: Inspection["config"]): string {
  if (ropeScaling === null) return "";
  if (ropeScaling.ropeType === "linear") return `, linear scaling by ${ropeScaling.factor}`;
  return `, YaRN scaling by ${ropeScaling.factor} from ${formatInteger(ropeScaling.originalMaxPositionEmbeddings)}`;
}

function tokenizerLine(tokenizer: Inspection["tokenizer"]): string {
  if (tokenizer === null) return "none";
  if ("error" in tokenizer) return `damaged: ${tokenizer.error}`;
  const shown = ({ id, text }: TokenFacts): string => `${text} (${id})`;
  const { tokens, bos, eos } = tokenizer;
  const ends = eos.map((end) => `${end.text} (${[end.id, ...end.statedBy].join(", ")})`);
  const bounds = [bos && `begins with ${shown(bos)}`, eos.length > 0 && `ends at ${ends.join("; ")}`];
  return [`${formatInteger(tokens)} tokens`, ...bounds].filter(Boolean).join(" · ");
}

function templateLine({ chatTemplateLength, namedTemplateLengths }: Partial<Inspection>): string {
  const characters = (length: number): string => `${formatInteger(length)} characters`;
  const named = Object.entries(namedTemplateLengths ?? {}).map(([name, length]) => `${name}: ${characters(length)}`);
  if (chatTemplateLength != null) return [characters(chatTemplateLength), ...named].join("; ");
  return named.length === 0 ? "none; plain ChatML" : named.join("; ");
}

function layers({ config, facts }: Inspection): string {
  const formatsOf = (size: Size): string => size.formats.join(" ");
  const rows = facts.layers.map(({ index, operator, feedForward, operatorSize, feedForwardSize }) => [
    String(index),
    operator,
    formatsOf(operatorSize),
    formatBytes(operatorSize.bytes),
    feedForward === "dense" ? "dense" : `${config.numExpertsPerTok} of ${config.numExperts} experts`,
    formatsOf(feedForwardSize),
    formatBytes(feedForwardSize.bytes),
  ]);
  const { outside } = facts;
  const head = ["layer", "operator", "formats", "size", "feed-forward", "formats", "size"];
  const table = alignColumns([head, ...rows], "rllrllr");
  return [...table, `outside the layers: ${formatsOf(outside)}, ${formatBytes(outside.bytes)}`].join("\n");
}

function formats({ facts }: Inspection): string {
  const rows = facts.formats.map(({ format, tensors, parameters, bytes }) => [
    format,
    formatInteger(tensors),
    formatCount(parameters),
    formatBytes(bytes),
    ((8 * bytes) / parameters).toFixed(2),
  ]);
  return alignColumns([["format", "tensors", "weights", "size", "bits per weight"], ...rows], "lrrrr").join("\n");
}

function memory({ memory: found, config }: Inspection, { mode, kvType, contextLength }: ModelOptions): string {
  const context = contextLength ?? Math.min(config.maxPositionEmbeddings, 32768);
  const kv = kvType ?? (mode === "exact" ? "f32" : "f16");
  const title = `memory (wasm ${mode ?? "int8"}, KV ${kv}, context ${formatInteger(context)})`;
  if ("error" in found) return `${title}\ndoes not fit: ${found.error}`;
  const { totalBytes, programBytes } = found;
  const whole = `with the program, about ${formatBytes(totalBytes + programBytes)}`;
  return [title, ...bankTable(found), whole].join("\n");
}

function bankTable({ banks, weightBytes, stateBytes, workBytes, totalBytes }: MemoryFacts): string[] {
  const cells = (weights: number, state: number, work: number, total: number): string[] =>
    [weights, state, work, total].map(formatBytes);
  const rows = banks.map((bank, index) => [
    String(index),
    unitsOf(bank.units),
    ...cells(bank.weightBytes, bank.stateBytes, workBytes, bank.bytes),
  ]);
  const total = ["", "total", ...cells(weightBytes, stateBytes, banks.length * workBytes, totalBytes)];
  return alignColumns([["bank", "holds", "weights", "state", "working space", "total"], ...rows, total], "rlrrrr");
}

/** ["model", "model.layers.0", "model.layers.1"] → "embedding, layers 0–1". */
function unitsOf(units: readonly string[]): string {
  const layers = units.flatMap((unit) => /\d+$/.exec(unit) ?? []).map(Number);
  const named = units.includes("model") ? ["embedding"] : [];
  if (layers.length === 1) named.push(`layer ${layers[0]}`);
  if (layers.length > 1) named.push(`layers ${Math.min(...layers)}–${Math.max(...layers)}`);
  return named.join(", ");
}

function tensors(all: readonly TensorFacts[]): string {
  const rows = all.map(({ name, format, shape, bytes }) => [name, format, shape.join(" × "), formatBytes(bytes)]);
  return alignColumns([["tensor", "format", "shape", "size"], ...rows], "lllr").join("\n");
}
