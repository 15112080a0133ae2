// The walk of docs/oracle.md: its commands in an empty folder with a model and a recording, in the order of the page.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { golden, lfm2 } from "./lfm2.ts";

const page = readFileSync(fileURLToPath(new URL("../../docs/oracle.md", import.meta.url)), "utf8");
/** What follows is the reference. */
const [text] = page.split("\n## In exact float32\n");
/**
 * Without the remarks beside them, and without sessions, whose recordings another program makes, and servers, which
 * test/oracle/served has.
 */
const commands = [...text.matchAll(/^ {4}lfm2 (.*?)(?: {2,}.*)?$/gm)]
  .map(([, words]) => words.trim().split(" "))
  .filter((words) => !words.some((word) => word === "golden/sessions" || word.startsWith("http:")));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-docs-"));
  mkdirSync(join(folder, "MODEL"));
  for (const file of ["config.json", "model.safetensors"]) {
    cpSync(`${golden}transformers/moe-small/${file}`, join(folder, "MODEL", file));
  }
  cpSync(`${golden}dumps/hooks.safetensors`, join(folder, "theirs.safetensors"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What stands for a checkpoint of one's own, and for the ids of its recording. */
const own: Readonly<Record<string, string>> = {
  "LFM2-8B-A1B-Q4_K_M.gguf": "MODEL",
  "1,6,330,214": "1,17,201,33,96,8,250,61,144",
};

it("are those that are tried here", () => {
  expect(commands.map(([name, sub]) => (name === "golden" ? `${name} ${sub}` : name))).toEqual([
    "compare",
    "golden make",
    "golden check",
    "golden check",
  ]);
});

it("lead from a recording to a verdict", async () => {
  const ends: { code: number | null; stdout: string; stderr: string }[] = [];
  for (const words of commands) {
    ends.push(
      await lfm2(
        words.map((word) => own[word] ?? word),
        { cwd: folder },
      ),
    );
  }
  const [compared, made, checked, published] = ends;
  expect([compared.code, compared.stdout]).toEqual([
    0,
    expect.stringContaining("Equal within tolerance at every point"),
  ]);
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining("Wrote golden/lfm2: ")]);
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/ golden +\d+ .* ok\n/)]);
  // Points of several layers are one pattern.
  expect(checked.stdout).toContain("\nNot recorded: model.layers.{2..5}.feed_forward.gate.scores, ");
  expect(checked.stdout).toContain("model.layers.{0,1,3,5}.conv.in_proj");
  // The package's own facts are found from here, and none is about this model.
  expect([published.code, published.stderr]).toEqual([2, expect.stringContaining("Published are LFM2.5-8B-A1B, ")]);
});

it("say where a model goes that is named in place of a recording", async () => {
  const named = await lfm2(["compare", "MODEL", "theirs.safetensors"], { cwd: folder });
  expect([named.code, named.stderr]).toEqual([2, expect.stringMatching(/a model goes after -m\.\n$/)]);
  const gguf = await lfm2(["compare", `${golden}nano/lfm2-nano-Q4_0.gguf`, "theirs.safetensors"], { cwd: folder });
  expect([gguf.code, gguf.stderr]).toEqual([
    2,
    expect.stringMatching(/expected tensors of a run, found a GGUF file, a model\. Name it after -m\.\n$/),
  ]);
});
