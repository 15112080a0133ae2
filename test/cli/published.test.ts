// What others have published of checkpoints: every entry can be run, and those of models at hand hold, or are told of.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/model/config.ts";
import { applies, nameOfModel } from "../../src/oracle/published/applies.ts";
import { type PublishedEntry, parsePublished, readPublished } from "../../src/oracle/published/entry.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { shapes } from "../../src/synth/shapes.ts";
import { goldenTensors } from "../model/run.ts";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-published-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const about = { source: "a test", sure: "high", proves: "that it runs", reason: "made for this test" };
const nanoFile = `${golden}nano/lfm2-nano-Q4_0.gguf`;
// sha256sum golden/nano/lfm2-nano-Q4_0.gguf
const nanoHash = "d40dcfd23abfc3279a677cb9258c667d40cb0fb220c256514f164fef7eb60dbc";

/** A directory of entries; what an entry does not say is about the embedded model. */
function published(name: string, entries: readonly object[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  const all = entries.map((entry, i) => ({ id: `e${i}`, models: ["lfm2-nano"], ...about, ...entry }));
  writeFileSync(join(path, "published.json"), JSON.stringify({ format: "lfm2-published", version: 1, entries: all }));
  return path;
}

/** transformers on the dequantized weights of the embedded model's file. */
const { cases: theirs } = JSON.parse(readFileSync(`${golden}nano/nano-Q4_0.json`, "utf8"));
const { input_ids: ids, last_logits: lastLogits, greedy_ids: greedyIds } = theirs[0];
const { cases: strings } = JSON.parse(readFileSync(`${golden}nano/tokenizer-2000.json`, "utf8"));
const nano = JSON.parse(readFileSync(`${golden}nano/golden.json`, "utf8"));
const likeliest = [...lastLogits.keys()].sort((a, b) => lastLogits[b] - lastLogits[a]).slice(0, 5);

const holds: readonly object[] = [
  { step: { kind: "file", name: "lfm2-nano-Q4_0.gguf", bytes: statSync(nanoFile).size, sha256: nanoHash } },
  {
    step: {
      kind: "tokens",
      cases: [
        ...strings
          .slice(0, 20)
          .filter(({ text }: { text: string }) => text !== "")
          .map(({ text, ids }: { text: string; ids: number[] }) => ({ input: { text }, ids })),
        { input: { messages: nano[0].messages }, ids: nano[0].ids },
      ],
    },
  },
  {
    step: {
      kind: "slice",
      input: { ids },
      position: ids.length - 1,
      first: 3,
      expected: lastLogits.slice(3, 13),
      atol: 1e-4,
    },
  },
  { step: { kind: "top", input: { ids }, expected: likeliest.toReversed(), others: 0 } },
  { step: { kind: "greedy", input: { ids }, expected: greedyIds, first: greedyIds.length } },
  {
    step: { kind: "text", input: { messages: nano[0].messages }, begins: nano[0].greedy_text.slice(0, 20), tokens: 12 },
  },
  { step: { kind: "config", expected: { numExperts: 32, vocabSize: 2048 } } },
  {
    models: ["another"],
    vocabSize: 2048,
    step: { kind: "tokens", cases: [{ input: { text: "<|im_end|>" }, ids: [7] }] },
  },
  { step: { kind: "command", arguments: ["eval", "-m", "MODEL", "-f", "wiki.test.raw"], expected: "perplexity 3" } },
];

describe("lfm2 golden check of a directory of published facts", () => {
  it("tries what is about the embedded model, says what it proves, and what is to be done by hand", async () => {
    const elsewhere = [
      { models: ["LFM2-8B-A1B"], step: { kind: "parameters", count: 1 } },
      { formats: ["BF16"], step: { kind: "parameters", count: 1 } },
      { vocabSize: 65536, step: { kind: "parameters", count: 1 } },
    ];
    const { code, stdout } = await lfm2(["golden", "check", published("holds", [...holds, ...elsewhere])]);
    const lines = stdout.split("\n").filter((line) => !line.startsWith("    "));
    expect(lines.map((line) => /^(\w+(?: hand)?) +(e\d+) \(by (\w+)\): /.exec(line)?.slice(1))).toEqual([
      ["ok", "e0", "hash"],
      ...["e1", "e2", "e3", "e4", "e5", "e6"].map((id) => ["ok", id, "name"]),
      ["ok", "e7", "vocabulary"],
      ["by hand", "e8", "name"],
      undefined,
      undefined,
      undefined,
    ]);
    expect(lines[8]).toMatch(/: lfm2 eval -m \S+lfm2-nano-Q4_0\.gguf -f wiki\.test\.raw: perplexity 3$/);
    expect(stdout).toContain("\n    proves: that it runs\n");
    expect([code, lines.at(-2)]).toEqual([0, "8 of 8 published facts hold; 1 more are for you to try."]);
  });

  it("knows a file under another name by its hash, and what else is about it then", async () => {
    const renamed = join(folder, "model.gguf");
    cpSync(nanoFile, renamed);
    const bytes = statSync(nanoFile).size;
    const file = { models: ["theirs"], step: { kind: "file", name: "theirs.gguf", bytes, sha256: nanoHash } };
    const path = published("renamed", [
      file,
      { models: ["theirs"], step: { kind: "config", expected: { numExperts: 32 } } },
    ]);
    const { code, stdout } = await lfm2(["golden", "check", path, "-m", renamed, "--json"]);
    const { checks } = JSON.parse(stdout);
    expect([code, checks.map(({ by }: { by: string }) => by)]).toEqual([0, ["hash", "hash"]]);
  });

  it("ends with 2 where everything is left to be done by hand", async () => {
    const step = {
      kind: "command",
      arguments: ["eval", "-m", "MODEL", "-f", "wiki.test.raw"],
      expected: "perplexity 3",
    };
    const { code, stdout } = await lfm2(["golden", "check", published("by-hand", [{ step }])]);
    expect([code, stdout]).toEqual([
      2,
      expect.stringContaining("\nNothing was tried; 1 published facts are for you to try.\n"),
    ]);
  });

  it("fails where a fact does not hold, with reason, source and doubt", async () => {
    const change = (step: object) => ({ doubt: "one source", step });
    const path = published("fails", [
      change({ kind: "file", name: "lfm2-nano-Q4_0.gguf", sha256: "0".repeat(64) }),
      change({ kind: "tokens", cases: [{ input: { text: "a", bos: true }, ids: [5] }] }),
      change({
        kind: "slice",
        input: { ids },
        position: ids.length - 1,
        first: 3,
        expected: [lastLogits[3] + 1],
        atol: 0.5,
      }),
      change({ kind: "top", input: { ids }, expected: [0, 1, 2], others: 1 }),
      change({ kind: "greedy", input: { ids }, expected: [greedyIds[0], 0], first: 2 }),
      change({ kind: "text", input: { ids }, begins: "Goodbye", tokens: 3 }),
      change({ kind: "loss", input: { ids }, expected: 0, atol: 1e-3 }),
      change({ kind: "means", input: { ids }, expected: [0], atol: 9 }),
      change({ kind: "config", expected: { numExperts: 31 } }),
      change({ kind: "parameters", count: 1 }),
    ]);
    const { code, stdout } = await lfm2(["golden", "check", path, "--junit", join(folder, "published.xml")]);
    expect([code, stdout.match(/^FAILS/gm)?.length]).toEqual([1, 10]);
    expect(stdout).toContain("    made for this test; a test\n    doubtful: one source\n");
    expect(stdout).toContain("numExperts is 32 instead of 31");
    expect(stdout).toMatch(/id \d+ instead of 0 at 1 of the continuation/);
    expect(readFileSync(join(folder, "published.xml"), "utf8")).toContain('tests="10" failures="10"');
    // A choice that the source itself was not sure of is not counted.
    const margins = {
      kind: "greedy",
      input: { ids },
      expected: [greedyIds[0], 0],
      first: 2,
      margins: [5, 0.1],
      leastMargin: 1.5,
    };
    expect((await lfm2(["golden", "check", published("margins", [{ step: margins }])])).code).toBe(0);
  });

  it("finds means and losses that transformers gave, of a folder by its name", async () => {
    const tensors = await goldenTensors("transformers/moe-small/len17.safetensors");
    const logits = tensors.get("logits")?.data as Float32Array;
    const input = { ids: Array.from(tensors.get("input_ids")?.data as Int32Array) };
    const rows = Array.from({ length: 17 }, (_, t) => Array.from(logits.subarray(t * 320, (t + 1) * 320)));
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const lost = rows.slice(0, 16).map((row, t) => Math.log(sum(row.map(Math.exp))) - row[input.ids[t + 1]]);
    const models = ["moe-small"];
    const path = published("moe", [
      { models, step: { kind: "means", input, expected: rows.map((row) => sum(row) / 320), atol: 1e-5 } },
      { models, step: { kind: "loss", input, expected: sum(lost) / 16, atol: 1e-5 } },
    ]);
    const { code, stdout } = await lfm2(["golden", "check", path, "-m", `${golden}transformers/moe-small`]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("2 of 2 published facts hold.")]);
  });

  it("ends with 2 where nothing is about a checkpoint, or more is asked than it can", async () => {
    const path = published("none", [{ models: ["LFM2-8B-A1B"], step: { kind: "parameters", count: 1 } }]);
    const none = await lfm2(["golden", "check", path]);
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringMatching(
        /expected a checkpoint that something is published of, found lfm2-nano, mostly Q4_0\. Published are LFM2-8B-A1B\.\n$/,
      ),
    ]);
    expect((await lfm2(["golden", "check", path, "--trace", "x"])).code).toBe(2);
  });
});

describe("golden/published", () => {
  const entries = async (): Promise<PublishedEntry[]> => (await readPublished(diskFolder(`${golden}published`))) ?? [];

  it("has a source, a reason and a step for every entry, and every kind of step", async () => {
    const all = await entries();
    expect(all.length).toBeGreaterThan(90);
    for (const { source, reason, proves } of all) {
      expect(source).not.toMatch(/index|\bids?\b/);
      for (const text of [source, reason, proves]) expect(text.length).toBeGreaterThan(10);
    }
    expect(new Set(all.map(({ step }) => step.kind))).toEqual(
      new Set(["file", "tokens", "config", "parameters", "means", "slice", "top", "greedy", "text", "loss", "command"]),
    );
  });

  it("names commands that run: they get as far as the text that is not there", async () => {
    const lines = new Set(
      (await entries()).flatMap(({ step }) => (step.kind === "command" ? [step.arguments.join(" ")] : [])),
    );
    expect(lines.size).toBeGreaterThan(5);
    for (const line of lines) {
      const { code, stderr } = await lfm2(line.split(" "), { cwd: folder });
      expect([line, code, stderr]).toEqual([line, 1, expect.stringContaining("wiki.test.raw: expected a text file")]);
    }
  });

  it("has numbers of configs that a config has, and of the shapes that are known here", async () => {
    const configs = (await entries()).flatMap(({ models, step }) =>
      step.kind === "config" ? models.map((model) => [model, step.expected] as const) : [],
    );
    let known = 0;
    for (const [model, expected] of configs) {
      const shape = Object.keys(shapes).find((name) => name === nameOfModel(model));
      if (shape === undefined) continue;
      known++;
      expect(readConfig(shapes[shape as keyof typeof shapes])).toMatchObject(expected);
    }
    expect(known).toBeGreaterThan(3);
  });

  it("is about checkpoints by whatever they are called, in the formats that it says", async () => {
    const all = await entries();
    const found = (names: string[], format: string, vocabSize = 65536) =>
      all.filter((entry) => applies(entry, { names, format, vocabSize }) === "name").map(({ id }) => id);
    for (const name of ["LFM2-1.2B-Q8_0.gguf", "LFM2 1.2B", "models/LFM2-1.2B-GGUF/", "LiquidAI/LFM2-1.2B"]) {
      expect(found([name], "Q8_0")).toEqual(expect.arrayContaining(["b-stingray-1", "b-stingray-2", "config-1.2b"]));
    }
    expect(found(["LFM2-1.2B-Q4_K_M.gguf"], "Q4_K")).not.toContain("b-stingray-1");
    // Another model of the same shape.
    expect(found(["LFM2-1.2B-Tool"], "Q8_0")).toEqual([]);
    expect(found(["LFM2-8B-A1B-BF16-00001-of-00002.gguf"], "BF16")).toContain("a-tf-033ead0-mean");
  });

  const entry = { id: "a", models: ["m"], ...about, step: { kind: "parameters", count: 1 } };
  const refused: readonly [what: string, entries: unknown, message: string][] = [
    ["no list", 3, "entries: expected a list of 1 to 10000, found 3"],
    ["an id twice", [entry, entry], 'entries[1].id: expected one that no other entry has, found "a"'],
    ["no source", [{ ...entry, source: "" }], 'entries[0].source: expected a text, found ""'],
    ["a guess", [{ ...entry, sure: "low" }], 'entries[0].sure: expected high or medium, found "low"'],
    [
      "an unknown step",
      [{ ...entry, step: { kind: "pray" } }],
      'step.kind: expected a step that is known, found "pray"',
    ],
    [
      "half a hash",
      [{ ...entry, step: { kind: "file", name: "a", sha256: "ab" } }],
      "sha256: expected 64 hexadecimal digits",
    ],
    [
      "no input",
      [{ ...entry, step: { kind: "loss", expected: 1, atol: 1 } }],
      "step.input: expected an object, found nothing",
    ],
    [
      "a stranger's message",
      [
        {
          ...entry,
          step: { kind: "text", input: { messages: [{ role: "tool", content: "x" }] }, begins: "a", tokens: 1 },
        },
      ],
      'messages[0].role: expected user, system or assistant, found "tool"',
    ],
  ];
  it.each(refused)("is refused with %s", (_, entries, message) => {
    expect(() => parsePublished({ format: "lfm2-published", version: 1, entries }, "p")).toThrow(message);
  });
});
