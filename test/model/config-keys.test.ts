// Every key of config.json that transformers reads, changed: the same logits as there, or refused by name.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { gap } from "../ops/harness.ts";
import { golden, load, logitsOf } from "./run.ts";

interface KeyCase {
  readonly model: "moe" | "dense";
  /** Absent in the model as it is. */
  readonly key?: string;
  /** Keys of config.json, left out where they say so. */
  readonly change: Readonly<Record<string, unknown>>;
  /** After the last id; those of the model as it is where `same`. */
  readonly logits?: readonly number[];
  readonly same?: true;
  /** Why transformers does not load it. */
  readonly refused?: string;
}

const GONE = "__gone__";
/** Three layers of float32 sums in another order; the values have six decimals. */
const TOLERANCE = 2e-5;

const { cases, ids }: { cases: readonly KeyCase[]; ids: readonly number[] } = JSON.parse(
  readFileSync(golden("config/keys/keys.json"), "utf8"),
);
const filesOf = (model: string) => ({
  config: JSON.parse(readFileSync(golden(`config/keys/${model}/config.json`), "utf8")) as Record<string, unknown>,
  weights: new Blob([readFileSync(golden(`config/keys/${model}/model.safetensors`))]),
});
const models = { moe: filesOf("moe"), dense: filesOf("dense") };

/** Last logits, or the message with which the model is refused. */
async function run({ model, change }: KeyCase): Promise<Float32Array | string> {
  const { config, weights } = models[model];
  const changed = Object.fromEntries(Object.entries({ ...config, ...change }).filter(([, value]) => value !== GONE));
  const folder = blobFolder("model", [
    { name: "config.json", blob: new Blob([JSON.stringify(changed)]) },
    { name: "model.safetensors", blob: weights },
  ]);
  try {
    const loaded = await load(await openCheckpoint(folder, undefined), { backend: "reference", contextLength: 16 });
    return logitsOf(loaded, Int32Array.from(ids), ids.length).slice(-loaded.model.config.vocabSize);
  } catch (error) {
    expect(["ConfigError", "FormatError", "WeightError"], String(error)).toContain((error as Error).name);
    return (error as Error).message;
  }
}

/** What transformers 5.18 fails at, though what is meant is plain. */
const runsHere = new Set(["return_dict", "rope_parameters.full_attention"]);
/** A key that is known by what is then left over. */
const nameIn: Readonly<Record<string, string>> = { num_hidden_layers: "layers 0 to 1, as the config says" };
const pathOf = ({ key, change }: KeyCase): string => {
  const value = change[key as string];
  return typeof value === "object" && value !== null && "full_attention" in value ? `${key}.full_attention` : `${key}`;
};

describe.each(["moe", "dense"] as const)("config.json of a %s model", (model) => {
  const own = cases.filter((one) => one.model === model);
  const plain = own[0].logits as number[];

  it("gives transformers' logits with every key that it reads changed, or is refused by name", async () => {
    expect(own.length).toBeGreaterThan(95);
    const wrong: string[] = [];
    for (const one of own) {
      const found = await run(one);
      const name = JSON.stringify(one.change);
      if (one.refused !== undefined) {
        if (typeof found !== "string" && !runsHere.has(pathOf(one))) wrong.push(`${name}: runs, and not there`);
        continue;
      }
      // The one change that is refused must be the one that is named.
      if (typeof found === "string") {
        if (!found.includes(nameIn[one.key as string] ?? one.key ?? "a key")) wrong.push(`${name}: ${found}`);
        continue;
      }
      const apart = gap(found, Float32Array.from(one.same ? plain : (one.logits as number[])));
      if (!(apart <= TOLERANCE)) wrong.push(`${name}: off by ${apart}`);
    }
    expect(wrong).toEqual([]);
  });

  it("runs RoPE by layer type as it runs the same for all layers", async () => {
    const linear = own.find(({ change }) => (change.rope_parameters as { rope_type?: string })?.rope_type === "linear");
    const nested = own.find((one) => pathOf(one) === "rope_parameters.full_attention");
    const logits = (await run(nested as KeyCase)) as Float32Array;
    expect(gap(logits, Float32Array.from(linear?.logits as number[]))).toBeLessThanOrEqual(TOLERANCE);
  });
});
