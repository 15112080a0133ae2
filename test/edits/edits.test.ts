// Edits of a running model where transformers made the same change in its own code: the numbers are its numbers. And what is
// no edit.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openRecorded } from "../../src/cli/files/recorded-files.ts";
import { EditError, parseEdits } from "../../src/edits/edit.ts";
import { type LanguageModel, open } from "../../src/index.ts";
import { readConfig } from "../../src/model/config.ts";

const golden = fileURLToPath(new URL("../../golden/", import.meta.url));

async function traced(
  model: LanguageModel,
  ids: readonly number[],
  edits: readonly string[],
): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for await (const { name, data } of model.trace(ids, { edits }))
    found.set(name, [...(found.get(name) ?? []), ...data]);
  return found;
}

/** transformers' code with the same change in it, by the names of golden/mistakes. */
const planted: Readonly<Record<string, readonly string[]>> = {
  "softmax-router": ["softmax"],
  "no-bias": ["no-bias"],
  "no-normalization": ["no-normalization"],
  "one-expert-fewer": ["k:K"],
  "no-final-norm": ["no-norm:embedding_norm"],
  "no-q-k-norm": ["no-norm:q_layernorm", "no-norm:k_layernorm"],
};

describe("transformers with the same change", () => {
  for (const model of ["moe-small", "moe-no-norm", "moe-no-bias", "dense-small"]) {
    it(`gives the same numbers, ${model}`, async () => {
      const own = await open(`${golden}transformers/${model}`, { mode: "exact" });
      const folder = `${golden}mistakes/${model}`;
      const kinds = Object.keys(planted).filter((name) => existsSync(`${folder}/${name}.safetensors`));
      expect(kinds.length).toBeGreaterThan(0);
      for (const kind of kinds) {
        const edits = planted[kind].map((text) => text.replace("K", String(own.config.numExpertsPerTok - 1)));
        const recording = await openRecorded(`${folder}/${kind}.safetensors`, undefined);
        const ours = await traced(own, recording.ids as readonly number[], edits);
        let compared = 0;
        for (const [name, point] of recording.points) {
          const theirs = await point.read(0, point.rows);
          const found = ours.get(name) ?? [];
          // Where experts are chosen in turns, their rows and weights are in another order.
          if (found.length !== theirs.length || /gate\.(weights|experts)$|experts\.w/.test(name)) continue;
          const most = Math.max(1, ...Array.from(theirs, Math.abs));
          const off = Math.max(...Array.from(theirs, (value, i) => Math.abs(value - found[i])));
          expect(off, `${kind}, ${name}`).toBeLessThan(4e-5 * most);
          compared++;
        }
        await recording.close();
        expect(compared, kind).toBeGreaterThan(1);
      }
      await own.close();
    });
  }
});

describe("an edit", () => {
  const layerTypes = ["conv", "conv", "full_attention", "conv", "conv", "conv"];
  const config = readConfig({ model_type: "lfm2_moe", num_hidden_layers: 6, layer_types: layerTypes });

  it.each([
    ["expert-of:1", /^edit "expert-of:1": expected KIND/],
    ["expert-off", /expected values, as in expert-off:7,9@2-5/],
    ["softmax:1", /expected none after softmax/],
    ["expert-off:32", /expected experts from 0 to 31/],
    ["expert-off:3@0", /expected a layer that has what it changes, found layers 0\. Those are 2, 3, 4, 5/],
    ["no-convolution@2", /Those are 0, 1, 3/],
    ["k:0", /expected a number from 1 to 32/],
    ["no-norm:norm", /expected operator_norm or ffn_norm/],
    ["expert-off:0-28", /at least 4 experts left/],
    ["expert-forced:0-4", /at most 4 experts forced/],
    ["softmax@99999999999", /layers from 0 to 5/],
  ])("%s is refused, and why", (text, why) => {
    expect(() => parseEdits([text], config)).toThrow(EditError);
    expect(() => parseEdits([text], config)).toThrow(why);
  });
});
