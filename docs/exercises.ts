// docs/exercises.md: twelve things to break, each really broken in a copy of the source, and what becomes of it.
//
// Written by: npm run docs -- --exercises (a minute or two)
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Exercise {
  readonly title: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** What there is to see, below the fold. */
  readonly answer: string;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const model = join(root, "golden/nano/lfm2-nano-Q4_0.gguf");
/** The greeting and the beginning of an answer: <|startoftext|><|im_start|>user\nHello! …. */
const IDS = "1,6,330,214,55,746,94,16,7,214,6,335,214";

const toBreak: readonly Exercise[] = [
  {
    title: "Softmax for sigmoid",
    file: "src/reference/elementwise.ts",
    from: "  return map(x, sigmoidOf);\n",
    to: `  const powers = map(x, (value) => Math.exp(value));
  const sums = Array.from({ length: x.rows }, (_, t) => rowOf(powers, t).reduce((sum, power) => sum + power, 0));
  return map(powers, (power, t) => power / sums[t]);
`,
    answer: `Softmax keeps the order of the scores, so that without the bias the same experts would be chosen. With it they are
not: the scores shrink to a few hundredths, and the bias, learned beside numbers in (0, 1), drowns them.`,
  },
  {
    title: "The bias in the weights",
    file: "src/model/router.ts",
    from: "ops.gather(scores, experts)",
    to: "ops.gather(ranked, experts)",
    answer: "The same experts, weighed a little differently: a part of what mlx-lm shipped until June 2026.",
  },
  {
    title: "Two experts instead of four",
    file: "src/model/router.ts",
    from: "ops.topK(ranked, config.numExpertsPerTok)",
    to: "ops.topK(ranked, 2)",
    answer:
      "Weights are normalized among the chosen, so that the sum stays as large as before. Half of the work, and worse text.",
  },
  {
    title: "Chosen scores that are not normalized",
    file: "src/model/router.ts",
    from: "if (config.normTopkProb)",
    to: "if (!config.normTopkProb)",
    answer: "Four scores near 0.7 add up to 2.8: each sparse layer adds almost three times what it should.",
  },
  {
    title: "No norm of the queries",
    file: "src/model/gqa.ts",
    from: "ops.rmsNorm(ops.linear(x, w.qProj), w.qLayernorm, config.normEps)",
    to: "ops.linear(x, w.qProj)",
    answer:
      "The scores of attention become as large as the projection makes them. Heads look at other places, or at a single one.",
  },
  {
    title: "RoPE of neighbours",
    file: "src/reference/rope.ts",
    from: "[head + j, head + j + half]",
    to: "[head + 2 * j, head + 2 * j + 1]",
    answer: `LLaMA's own pairing. For it, rows of q and k have to be stored in another order. At position 0 nothing is rotated, so
the first token is right.`,
  },
  {
    title: "Heads by turns",
    file: "src/reference/attention.ts",
    from: "Math.floor((h * kvHeads) / heads) * headDim",
    to: "(h % kvHeads) * headDim",
    answer: "Neighbouring query heads share keys and values. Here every other head reads those of another group.",
  },
  {
    title: "B and C exchanged",
    file: "src/model/short-conv.ts",
    from: "const [b, c, x] =",
    to: "const [c, b, x] =",
    answer: "Both are gates of the same shape, and nothing but the order of rows in the file says which is which.",
  },
  {
    title: "A convolution that reads its taps backwards",
    file: "src/reference/causal-conv.ts",
    from: "taps[i] * input(",
    to: "taps[past - i] * input(",
    answer:
      "Signal processing calls this a convolution; PyTorch's layers compute correlations. The last tap multiplies the current position.",
  },
  {
    title: "A state that is forgotten between steps",
    file: "src/reference/causal-conv.ts",
    from: "t < 0 ? current.subarray(",
    to: "t < 0 ? new Float32Array(current.length).subarray(",
    answer: `A comparison of one prompt sees nothing: it is read in one step, which begins where zeros are right. The text is
wrong all the same, since an answer is written one token at a time. Faults of the state need a second step:
\`lfm2 golden make\` and a run in pieces, or simply text.`,
  },
  {
    title: "Gate and up exchanged",
    file: "src/model/experts.ts",
    from: "ops.swiglu(gate, up)",
    to: "ops.swiglu(up, gate)",
    answer: "silu(a) · b is not a · silu(b). The names w1 and w3 say nothing of this; w1 is the gate.",
  },
  {
    title: "The residual of the normed stream",
    file: "src/model/decoder-layer.ts",
    from: "ops.add(h, operator(",
    to: "ops.add(x, operator(",
    answer:
      "Every layer normalizes the stream itself, so what the embedding and earlier layers added is scaled down again and again.",
  },
];

/** The document. Runs each exercise. */
export async function exercisesMarkdown(): Promise<string> {
  const sound = await outcomeOf();
  const folder = mkdtempSync(join(tmpdir(), "lfm2-exercises-"));
  try {
    const sections: string[] = [];
    for (const [i, exercise] of toBreak.entries()) sections.push(await section(exercise, i + 1, folder));
    return `${HEAD}\n${sections.join("\n")}\n${TO_BUILD}`.replace("SOUND", quoted(sound));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const quoted = (text: string): string => `> ${text.replaceAll("\n", "\n> ")}`;

async function section({ title, file, from, to, answer }: Exercise, number: number, folder: string): Promise<string> {
  const copy = join(folder, String(number));
  cpSync(join(root, "src"), join(copy, "src"), { recursive: true });
  for (const name of ["node_modules", "golden", "assembly", "package.json"])
    symlinkSync(join(root, name), join(copy, name));
  const source = readFileSync(join(copy, file), "utf8");
  if (source.split(from).length !== 2) throw new Error(`${file}: expected "${from}" once.`);
  writeFileSync(
    join(copy, file),
    source.replace(from, () => to),
  );
  const text = await outcomeOf(copy);
  await lfm2(copy, ["trace", ...REFERENCE, "--ids", IDS, "-o", join(copy, "trace")]);
  const { verdict, place } = await compared(join(copy, "trace"));
  const lines = (mark: string, code: string) =>
    code
      .trimEnd()
      .split("\n")
      .map((line) => `${mark} ${line.trim()}`);
  return `### ${number}. ${title}

In [\`${file}\`](../${file}):

\`\`\`diff
${[...lines("-", from), ...lines("+", to)].join("\n")}
\`\`\`

<details><summary>What becomes of it</summary>

${quoted(text)}

\`lfm2 compare\`: ${verdict}${place === undefined ? "" : ` First at \`${place}\`.`}

${answer}

</details>
`;
}

const REFERENCE = ["-m", model, "--backend", "reference"];

/** What it writes to standard output, whatever its exit code. */
function lfm2(folder: string, args: readonly string[]): Promise<string> {
  const flags = ["--import", join(root, "assembly/read-typescript.js"), join(folder, "src/cli/main.ts")];
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, ...args], { encoding: "utf8" }, (_, stdout) => resolve(stdout));
  });
}

/** What the embedded model answers. */
async function outcomeOf(folder = root): Promise<string> {
  const args = ["run", ...REFERENCE, "-p", "Tell me a story about a fox.", "--greedy", "--no-speculate", "-n", "48"];
  return (await lfm2(folder, args)).trim() || "(nothing)";
}

async function compared(trace: string): Promise<{ readonly verdict: string; readonly place: string | undefined }> {
  const told = await lfm2(root, ["compare", ...REFERENCE, trace]);
  const [verdict] = /^(Different|Equal).*$/m.exec(told) ?? [told];
  return { verdict, place: /They part at (\S+)/.exec(told)?.[1] };
}

const HEAD = `# Exercises

The sources here are meant to be changed. Each exercise takes a minute: change a line, ask the embedded model something, and
let \`lfm2 compare\` say what is wrong. This page was written by running all of it (\`npm run docs -- --exercises\`), and is run
again by a test.

    npm run -s lfm2 -- run --backend reference --greedy --no-speculate -p "Tell me a story about a fox."
    npm run -s lfm2 -- trace --backend reference --ids ${IDS} -o /tmp/trace
    git stash                                       # back to the right source
    npm run -s lfm2 -- compare -m golden/nano/lfm2-nano-Q4_0.gguf /tmp/trace

As it is, the model answers:

SOUND

## Twelve things to break
`;

const TO_BUILD = `## Twelve things to build

The table says with which files to begin. Tests are in \`test/\`, in a folder of the same name.

| what | where |
| --- | --- |
| a sampler: top-a, or DRY | \`src/sampling/\`, its option in \`src/options/\` and \`src/cli/options/\` |
| a block format: Q4_1 with integer dot products, or TQ2_0 | the list in [CONTRIBUTING.md](../CONTRIBUTING.md) |
| an operation: GELU, for a model that has it | the list in [CONTRIBUTING.md](../CONTRIBUTING.md) |
| a probe: which experts a text meets, layer by layer | \`model.trace(ids, { points: ["**.gate.experts"] })\` |
| a mistake that the oracle does not know | \`src/oracle/mistakes/\`, a line in the table, a recording made in Python |
| attention maps as a picture | \`src/picture/\`, from a trace's \`q_rope\` and \`k_rope\` |
| a map of names for another runtime | \`src/oracle/recorded/name-map.ts\` |
| another drawing of \`lfm2 bench\` | \`src/bench/plots/\` |
| a cache of keys and values in 4 bits | \`src/reference/attention.ts\`, \`assembly/ops/\`, \`KvType\` in \`src/ops/backend.ts\` |
| a keyword of JSON Schema: \`minProperties\` | \`src/json-schema/keywords.ts\`, \`src/constrain/schema/\` |
| logits scaled for some ids by a function of yours | \`src/sampling/\`, and why it cannot cross threads: \`src/worker/\` |
| the forward pass in your own language | [examples/one-file.ts](../examples/one-file.ts) shows how, \`golden/transformers\` has the numbers to compare with |
`;
