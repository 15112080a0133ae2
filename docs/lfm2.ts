// docs/lfm2.md: what stands between its markers, from the source, from the shapes, and from a run of the embedded model.
//
// Written by: npm run docs
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { blockFormats } from "../src/blocks/formats.ts";
import { advance, restart } from "../src/engine/sequence.ts";
import { openCheckpoint } from "../src/formats/open-checkpoint.ts";
import { loadModel } from "../src/load/load.ts";
import { type Config, readConfig } from "../src/model/config.ts";
import { observed } from "../src/oracle/trace/observed.ts";
import { weightRow } from "../src/reference/linear.ts";
import type { ReferenceWeight } from "../src/reference/tensor.ts";
import { diskFolder } from "../src/sources/disk.ts";
import { shapes } from "../src/synth/shapes.ts";

const root = new URL("../", import.meta.url);
const lfm2 = readConfig(shapes["lfm2-8b-a1b"]);
const lfm2_5 = readConfig(shapes["lfm2.5-8b-a1b"]);

/** The document with everything between `<!-- … -->` and `<!-- end -->` made again. */
export async function lfm2Markdown(text: string): Promise<string> {
  const run = await runNano();
  return text.replaceAll(/<!-- (.+?) -->\n[\s\S]*?<!-- end -->/g, (_, marker: string) => {
    return `<!-- ${marker} -->\n\n${fill(marker, run)}\n\n<!-- end -->`;
  });
}

function fill(marker: string, run: NanoRun): string {
  const [kind, ...rest] = marker.split(" ");
  switch (kind) {
    case "include":
      return include(rest[0], rest[1]);
    case "shape":
      return shapeTable();
    case "state":
      return stateTable();
    case "costs":
      return costTable();
    case "models":
      return modelTable();
    case "example":
      return examples[rest[0]](run);
  }
  throw new Error(`docs/lfm2.md: expected a known marker, found "${marker}".`);
}

/** A function with its comment. */
function include(file: string, name: string): string {
  const source = readFileSync(new URL(file, root), "utf8");
  const found = new RegExp(`(?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?export function ${name}\\([\\s\\S]*?\\n}\\n`).exec(
    source,
  );
  if (found === null) throw new Error(`${file}: expected a function ${name}, found none.`);
  return `[\`${file}\`](../${file})\n\n\`\`\`ts\n${found[0]}\`\`\``;
}

const thousands = (value: number): string => value.toLocaleString("en-US");
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

function shapeTable(): string {
  const { layerTypes, numDenseLayers: dense } = lfm2;
  const of = (type: string): number[] => layerTypes.flatMap((each, i) => (each === type ? [i] : []));
  return table(
    ["LFM2-8B-A1B", ""],
    [
      [
        "layers",
        `${layerTypes.length}: ${of("conv").length} short convolutions, ${of("full_attention").length} attention`,
      ],
      ["attention in layers", of("full_attention").join(", ")],
      [
        "feed-forward",
        `dense in the first ${dense} layers; in the others ${lfm2.numExpertsPerTok} of ${lfm2.numExperts} experts`,
      ],
      ["hidden size", thousands(lfm2.hiddenSize)],
      [
        "width of the feed-forward",
        `${thousands(lfm2.intermediateSize)} dense, ${thousands(lfm2.moeIntermediateSize)} of an expert`,
      ],
      [
        "heads",
        `${lfm2.numAttentionHeads} of queries, ${lfm2.numKeyValueHeads} of keys and values, ${lfm2.headDim} numbers each`,
      ],
      ["width of the convolution", `${lfm2.convLCache} positions`],
      ["vocabulary", thousands(lfm2.vocabSize)],
      ["parameters", thousands(parts(lfm2).reduce((sum, { stored }) => sum + stored, 0))],
    ],
  );
}

interface Part {
  readonly name: string;
  /** Weights in the checkpoint. */
  readonly stored: number;
  /** Of them those that one token reads. */
  readonly read: number;
  /** Vectors and the router are float32 in every file. */
  readonly format: "Q4_0" | "Q6_K" | "F32";
}

/** Where LFM2's parameters are. The embedding counts once, as the head reads it. */
function parts(config: Config): readonly Part[] {
  const {
    hiddenSize: hidden,
    headDim,
    numAttentionHeads: heads,
    numKeyValueHeads: kvHeads,
    convLCache: width,
  } = config;
  const count = (type: string): number => config.layerTypes.filter((each) => each === type).length;
  const [conv, attention, layers] = [count("conv"), count("full_attention"), config.numHiddenLayers];
  const dense = config.numDenseLayers;
  const sparse = layers - dense;
  const expert = 3 * hidden * config.moeIntermediateSize;
  const all = (name: string, stored: number, format: Part["format"] = "Q4_0"): Part => ({
    name,
    stored,
    read: stored,
    format,
  });
  return [
    all("short convolutions: projections", conv * 4 * hidden * hidden),
    all("attention: projections", attention * 2 * hidden * headDim * (heads + kvHeads)),
    all("dense feed-forward", dense * 3 * hidden * config.intermediateSize),
    all("routers", sparse * (hidden + 1) * config.numExperts, "F32"),
    { ...all("experts", sparse * config.numExperts * expert), read: sparse * config.numExpertsPerTok * expert },
    all("norms and taps", conv * width * hidden + (2 * layers + 1) * hidden + attention * 2 * headDim, "F32"),
    all("embedding, as the head", config.vocabSize * hidden, "Q6_K"),
  ];
}

function costTable(): string {
  const rows = parts(lfm2).map(({ name, stored, read, format }) => {
    const { blockBytes, blockLength } = blockFormats[format];
    return { name, stored, read, format, bytes: (read / blockLength) * blockBytes };
  });
  const total = (of: "stored" | "read" | "bytes"): number => rows.reduce((sum, row) => sum + row[of], 0);
  const millions = (value: number): string => thousands(Math.round(value / 1e5) / 10);
  return table(
    ["part", "weights stored, millions", "read for a token", "in a Q4_0 file", "megabytes read"],
    [
      ...rows.map(({ name, stored, read, format, bytes }) => [
        name,
        millions(stored),
        millions(read),
        format,
        millions(bytes),
      ]),
      ["**together**", millions(total("stored")), millions(total("read")), "", `**${millions(total("bytes"))}**`],
    ],
  );
}

function stateTable(): string {
  const { layerTypes, hiddenSize, convLCache, numKeyValueHeads, headDim } = lfm2;
  const conv = layerTypes.filter((type) => type === "conv").length * (convLCache - 1) * hiddenSize * 4;
  const perToken = layerTypes.filter((type) => type === "full_attention").length * 2 * numKeyValueHeads * headDim * 2;
  const size = (bytes: number): string =>
    bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${thousands(Math.round(bytes / 2 ** 20))} MiB`;
  return table(
    ["positions", "convolutions, float32", "keys and values, float16"],
    [1, 1000, 32_768, 128_000].map((positions) => [thousands(positions), size(conv), size(positions * perToken)]),
  );
}

function modelTable(): string {
  const parameters = (config: Config) => thousands(parts(config).reduce((sum, { stored }) => sum + stored, 0));
  const rows: [string, (config: Config) => string][] = [
    ["parameters", parameters],
    ["vocabulary", ({ vocabSize }) => thousands(vocabSize)],
    ["RoPE base θ", ({ ropeTheta }) => thousands(ropeTheta)],
    ["positions", ({ maxPositionEmbeddings }) => thousands(maxPositionEmbeddings)],
  ];
  return table(
    ["", "LFM2-8B-A1B", "LFM2.5-8B-A1B"],
    [
      ...rows.map(([name, of]) => [name, of(lfm2), of(lfm2_5)]),
      ["beginning of text", "id 1", "id 124894"],
      ["end of a turn", "id 7", "id 124900"],
      ["a thought before the answer", "no", "always"],
    ],
  );
}

// ------------------------------------------------------------------------------------------- one token, with its numbers

interface NanoRun {
  /** The numbers of a point at one position. */
  row(point: string, position: number): number[];
  /** Weights of one channel of a convolution. */
  taps(layer: number, channel: number): number[];
  bias(layer: number): number[];
  readonly config: Config;
}

/** "<|startoftext|><|im_start|>user\nHello!": eight tokens, of which "Hello" is three. */
const IDS = [1, 6, 330, 214, 55, 746, 94, 16];
const [H, O] = [4, 6];

async function runNano(): Promise<NanoRun> {
  const checkpoint = await openCheckpoint(diskFolder(fileURLToPath(new URL("golden/nano/hf", root))), undefined);
  const options = { backend: "reference", contextLength: 64 } as const;
  const { model, sequences } = await loadModel(checkpoint, options, {
    machine: { cores: 1, sharedMemory: false, builds: ["baseline"] },
    startRuntime: () => Promise.reject(new Error("The reference has no kernels.")),
  });
  await Promise.all(checkpoint.files.map((file) => file.close()));
  const { memory, weights, config } = model;
  const seen = new Map<string, { cols: number; numbers: ArrayLike<number> }>();
  const { ops, settle } = observed(model.ops, {
    result(path, result) {
      if ("k" in result) seen.set(path, { cols: result.k, numbers: memory.readIds(result) });
      else seen.set(path, { cols: result.cols, numbers: memory.read(result) });
    },
  });
  restart(model, sequences[0]);
  advance({ ...model, ops }, [{ sequence: sequences[0], ids: Int32Array.from(IDS) }], { settle });
  return {
    config,
    row(point, position) {
      const { cols, numbers } = seen.get(point) as { cols: number; numbers: ArrayLike<number> };
      return Array.from(numbers).slice(position * cols, (position + 1) * cols);
    },
    taps(layer, channel) {
      const { operator } = weights.layers[layer];
      return operator.type === "conv" ? [...weightRow(operator.conv as ReferenceWeight, channel)] : [];
    },
    bias(layer) {
      const { feedForward } = weights.layers[layer];
      return feedForward.type === "sparse" && feedForward.expertBias
        ? [...memory.readVector(feedForward.expertBias)]
        : [];
    },
  };
}

const digits = (value: number): string => value.toFixed(3).replace("-", "−");

const examples: Readonly<Record<string, (run: NanoRun) => string>> = {
  convolution({ row, taps, config: { hiddenSize } }) {
    const channels = [0, 1, 2];
    const gated = (position: number, c: number): number => {
      const projected = row("model.layers.0.conv.in_proj", position);
      return projected[c] * projected[2 * hiddenSize + c];
    };
    const rows = channels.map((c) => {
      const past = [O - 2, O - 1, O].map((position) => gated(position, c));
      const weights = taps(0, c);
      const sum = past.reduce((before, value, i) => before + weights[i] * value, 0);
      const b = row("model.layers.0.conv.in_proj", O)[hiddenSize + c];
      const own = row("model.layers.0.conv.out_proj.input", O)[c];
      return [String(c), ...past.map(digits), weights.map(digits).join(", "), digits(sum), digits(b), digits(own)];
    });
    return `In layer 0 of the embedded model, at the last token of "Hello", which is "o", three of its ${hiddenSize} channels:\n\n${table(
      ["channel", "bx two before", "bx one before", "bx now", "taps", "u", "C", "C · u"],
      rows,
    )}`;
  },
  attention({ row, config: { headDim, numAttentionHeads, numKeyValueHeads } }) {
    const layer = "model.layers.2.self_attn";
    const head = (point: string, position: number, index: number): number[] =>
      row(`${layer}.${point}`, position).slice(index * headDim, (index + 1) * headDim);
    const rows = Array.from({ length: numAttentionHeads }, (_, h) => {
      const shared = Math.floor((h * numKeyValueHeads) / numAttentionHeads);
      const q = head("q_rope", O, h);
      const scores = IDS.slice(0, O + 1).map((_, s) => {
        return head("k_rope", s, shared).reduce((sum, value, i) => sum + value * q[i], 0) / Math.sqrt(headDim);
      });
      const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const sum = powers.reduce((before, power) => before + power, 0);
      return [`${h} (keys of ${shared})`, ...powers.map((power) => `${Math.round((100 * power) / sum)} %`)];
    });
    const words = ["`<|startoftext|>`", "`<|im_start|>`", "user", "newline", "H", "ell", "o"];
    return `Where the heads of layer 2 of the embedded model look from the end of "Hello":\n\n${table(["head", ...words], rows)}`;
  },
  router({ row, bias, config: { numExpertsPerTok: k } }) {
    const gate = "model.layers.2.feed_forward.gate";
    const scores = row(`${gate}.scores`, H);
    const biases = bias(2);
    const order = [...scores.keys()].sort((a, b) => scores[b] + biases[b] - scores[a] - biases[a]);
    const chosen = row(`${gate}.experts`, H);
    const weights = row(`${gate}.weights`, H);
    const rows = order.slice(0, k + 2).map((e) => {
      const place = chosen.indexOf(e);
      return [
        String(e),
        digits(scores[e]),
        digits(biases[e]),
        digits(scores[e] + biases[e]),
        place < 0 ? "" : digits(weights[place]),
      ];
    });
    return `In layer 2 of the embedded model, at the "H" of "Hello", the first ${k + 2} of ${scores.length} experts:\n\n${table(
      ["expert", "score", "bias", "both, by which it is chosen", "weight: score / (sum of the chosen scores + 10⁻⁶)"],
      rows,
    )}`;
  },
};
