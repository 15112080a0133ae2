// The forward pass in one file against transformers, and against what the library says.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { forward, load, newState } from "../../examples/one-file.ts";
import { lfm2 } from "../cli/lfm2.ts";
import { golden, goldenTensors } from "../model/run.ts";
import { gap } from "../ops/harness.ts";

const example = new URL("../../examples/one-file.ts", import.meta.url).pathname;

/** As of the reference, in test/model/transformers.test.ts: what transformers differs by in itself. */
const TOLERANCE = 4e-5;

describe("examples/one-file.ts", () => {
  it.each(["moe-small", "moe-wide-heads", "moe-no-norm", "moe-no-bias", "dense-small"])(
    "has transformers' logits at every position: %s",
    async (name) => {
      const wanted = await goldenTensors(`transformers/${name}/len17.safetensors`);
      const model = load(golden(`transformers/${name}`));
      const state = newState(model);
      const logits = Array.from(wanted.get("input_ids")?.data as Int32Array, (id) => [...forward(model, state, id)]);
      expect(gap(Float32Array.from(logits.flat()), wanted.get("logits")?.data as Float32Array)).toBeLessThanOrEqual(
        TOLERANCE,
      );
    },
  );

  it("says of the embedded model what lfm2 run says in exact mode", async () => {
    const [{ ids }] = JSON.parse(readFileSync(golden("nano/golden.json"), "utf8"));
    const flags = ["--import", new URL("../../assembly/read-typescript.js", import.meta.url).href];
    const { stdout } = spawnSync(process.execPath, [...flags, example, golden("nano/hf"), ids.join()], {
      encoding: "utf8",
    });
    const [said, text] = stdout.trimEnd().split("\n");
    const folder = golden("nano/hf");
    const run = await lfm2(["run", "-m", folder, "--mode", "exact", "--greedy", "-p", "Hello!", "--json"]);
    const answer = JSON.parse(run.stdout);
    expect(text).toBe(`<think>${answer.reasoning_content}</think>${answer.content}<|im_end|>`);
    expect(said.split(",").length).toBe(answer.newTokens);
  });

  it("is short, and imports nothing but node:fs", () => {
    const lines = readFileSync(example, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(260);
    expect(lines.filter((line) => line.startsWith("import "))).toEqual([
      'import { readdirSync, readFileSync } from "node:fs";',
    ]);
  });
});
