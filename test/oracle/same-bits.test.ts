// One hash for all: every Node that is here, either build, any number of threads, any cut into steps. The browsers'
// part is in test/browser/same-numbers.test.ts.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expectedBits, prompts } from "../../src/oracle/same-bits.ts";
import { sha256 } from "../../src/oracle/trace/model-hash.ts";
import { command, golden } from "../cli/lfm2.ts";
import { load, logitsOf, open } from "../model/run.ts";
import { builds } from "../ops/harness.ts";

/** The one that runs this, the one that is installed for development, and what the shell would start. */
const nodes = [
  process.execPath,
  fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url)),
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node")),
].filter((path) => existsSync(path));
const programs = [...new Map(nodes.map((path) => [realpathSync(path), path])).values()];

describe("the embedded model's logits", () => {
  it.each(programs)(
    "have the expected bits in %s, in both modes, every build it runs, on one thread and two",
    (program) => {
      const { stdout, stderr, status } = spawnSync(program, [...command.slice(1), "verify", "--json"], {
        encoding: "utf8",
        env: { ...process.env, NODE_OPTIONS: "" },
      });
      expect(status, stderr).toBe(0);
      const { engine, expected, found } = JSON.parse(stdout);
      expect(expected).toEqual(expectedBits);
      const major = Number(/^node (\d+)\./.exec(engine)?.[1]);
      // Relaxed SIMD came with V8 11.4.
      const ownBuilds = major >= 22 ? ["baseline", "relaxed"] : ["baseline"];
      const runs = found.map((run: Record<string, unknown>) => [run.mode, run.kernels, run.threads, run.sha256]);
      expect(runs).toEqual(
        (["exact", "int8"] as const).flatMap((mode) =>
          ownBuilds.flatMap((kernels) => [1, 2].map((threads) => [mode, kernels, threads, expectedBits[mode]])),
        ),
      );
    },
  );

  it.each(["exact", "int8"] as const)("have them in steps of 1, 7 and 512: %s", async (mode) => {
    for (const kernels of builds) {
      const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { mode, kernels, contextLength: 64 });
      for (const step of [1, 7, 512]) {
        const pieces = prompts.map((ids) => new Uint8Array(logitsOf(loaded, Int32Array.from(ids), step).buffer));
        expect(await sha256(pieces), `${kernels}, steps of ${step}`).toBe(expectedBits[mode]);
      }
    }
  });

  it("are those of dialogues that the model was trained for, 64 ids each", () => {
    const cases: { ids: number[]; greedy_ids: number[] }[] = JSON.parse(
      readFileSync(`${golden}nano/golden.json`, "utf8"),
    );
    const texts = cases.map(({ ids, greedy_ids }) => [...ids, ...greedy_ids]);
    const [question, story, tools] = prompts;
    expect(prompts.map((ids) => ids.length)).toEqual([64, 64, 64]);
    expect([...texts[1], 214, ...texts[2].slice(1)].slice(0, 64)).toEqual(question);
    expect(texts[3].slice(0, 64)).toEqual(story);
    expect(texts[4].slice(0, 64)).toEqual(tools);
  });
});
