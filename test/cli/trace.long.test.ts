import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTensor, readSafetensors, type SafeTensor } from "../../src/formats/hf/safetensors.ts";
import { open, writeTrace } from "../../src/index.ts";
import { openFile } from "../../src/sources/disk.ts";
import { ending, golden, lfm2, nanoGolden, start, written } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-trace-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const manifestOf = (directory: string) => JSON.parse(readFileSync(join(directory, "trace.json"), "utf8"));

async function tensorsOf(directory: string) {
  const file = await openFile(join(directory, "trace.safetensors"));
  const { tensors } = await readSafetensors(file);
  return {
    names: [...tensors.keys()],
    load: (name: string) => loadTensor(file, tensors.get(name) as SafeTensor),
    shape: (name: string) => tensors.get(name)?.shape,
    close: () => file.close(),
  };
}

describe("lfm2 trace", () => {
  it("writes the tensors that the library gives, and says whose they are", async () => {
    const output = join(folder, "new", "trace"); // folders on the way are made
    const points = ["model.layers.{0,9}.**", "lm_head"];
    const { code, stdout, stderr } = await lfm2(["trace", "--ids", "1,6,330,214", "--points", ...points, "-o", output]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/\d+ tensors over positions 0:4, [\d.]+ kB, will be written\.\n/);
    expect(readdirSync(output).sort()).toEqual(["trace.json", "trace.safetensors"]);

    const manifest = manifestOf(output);
    // sha256sum golden/nano/lfm2-nano-Q4_0.gguf
    const sha256 = "d40dcfd23abfc3279a677cb9258c667d40cb0fb220c256514f164fef7eb60dbc";
    expect(manifest).toMatchObject({
      format: "lfm2-trace",
      version: 1,
      model: { name: "lfm2-nano", sha256, sha256Of: "files", modelType: "lfm2_moe", container: "GGUF v3" },
      run: { backend: "wasm", mode: "exact", kvType: "f32", engine: `node ${process.versions.node}` },
      ids: [1, 6, 330, 214],
      positions: { from: 0, to: 4 },
    });
    expect(manifest.model.config).toMatchObject({ num_experts: 32, vocab_size: 2048 });
    expect(manifest.model.blockFormats).toEqual(["Q4_0", "F32", "Q8_0"]);

    const tensors = await tensorsOf(output);
    expect(tensors.names).toEqual(manifest.points.map(({ tensor }: { tensor: string }) => tensor));
    const model = await open(undefined, { mode: "exact" });
    for await (const { name, position, rows, data } of model.trace([1, 6, 330, 214], { points })) {
      expect([name, position]).toEqual([name, 0]);
      expect(await tensors.load(name), name).toEqual(data);
      expect(tensors.shape(name)).toEqual([rows, data.length / rows]);
    }
    await model.close();
    await tensors.close();
  });

  it("takes text, and a user's message in the model's template", async () => {
    const run = async (flags: string[]) => {
      const output = mkdtempSync(join(folder, "text-"));
      const { code } = await lfm2(["trace", ...flags, "--points", "lm_head", "--positions", ":2", "-o", output]);
      expect(code).toBe(0);
      const { ids, positions } = manifestOf(output);
      expect(positions).toEqual({ from: 0, to: 2 });
      return ids;
    };
    const prompt = nanoGolden[0].prompt.replace("<|startoftext|>", "");
    const chat = nanoGolden[0].messages[0].content;
    expect(await run(["--prompt", prompt])).toEqual(await run(["--chat", chat]));
  });

  it("lists points without running, and names that are near one which is not there", async () => {
    const moe = `${golden}transformers/moe-small`;
    const args = ["trace", "-m", moe, "--ids", "1,2,3", "--positions", "1:3", "--list", "--points"];
    const { stdout } = await lfm2([...args, "model.layers.3.feed_forward.gate.*"]);
    expect(stdout).toBe(
      [
        "  model.layers.3.feed_forward.gate.logits   F32  [2, 8]",
        "  model.layers.3.feed_forward.gate.scores   F32  [2, 8]",
        "  model.layers.3.feed_forward.gate.experts  I32  [2, 2]",
        "  model.layers.3.feed_forward.gate.margin   F32  [2, 1]",
        "  model.layers.3.feed_forward.gate.weights  F32  [2, 2]",
        "5 tensors over positions 1:3, 168 B in all",
        "",
      ].join("\n"),
    );
    const wrong = await lfm2([...args, "model.layers.3.con"]);
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toMatch(
      /error: --points: expected a pattern .* found "model\.layers\.3\.con"\. Near it: model\.layers\.3\.conv/,
    );
  });

  it("refuses, before it computes, to be larger than allowed, to overwrite, or to run nothing", async () => {
    const there = mkdtempSync(join(folder, "there-"));
    writeFileSync(join(there, "thesis.txt"), "mine");
    const args = ["trace", "--ids", "1,2", "--points", "lm_head"];
    const cases: [string[], number, RegExp][] = [
      [
        ["-o", join(folder, "big"), "--max-bytes", "16k"],
        1,
        /trace: expected at most 16000 bytes, found 16384 to be written/,
      ],
      [["-o", there], 1, /expected a new or empty directory, found \S+ in it: it stays/],
      [["-o", there, "--force"], 1, /it stays/],
      [[], 2, /expected -o DIRECTORY to write into, or --list/],
      [["-o", there, "--positions", "0:3"], 2, /--positions: expected 0 ≤ from < to ≤ 2/],
      [["-o", there, "--positions", "2-3"], 2, /--positions: expected a range such as 0:16/],
      [["-o", there, "--max-bytes", "much"], 2, /--max-bytes: expected bytes such as 500M/],
      [["-o", there, "--list"], 2, /--output: expected none with --list, which writes nothing, found one/],
    ];
    for (const [flags, code, message] of cases) {
      const ended = await lfm2([...args, ...flags]);
      expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message)]);
    }
    expect(readdirSync(there)).toEqual(["thesis.txt"]);
    expect(readdirSync(folder)).not.toContain("big");
    expect((await lfm2(["trace", "-o", there])).code).toBe(2);
  });

  it("replaces a trace with --force, and only a trace", async () => {
    const output = join(folder, "again");
    const args = ["trace", "--points", "lm_head", "-o", output];
    expect((await lfm2([...args, "--ids", "1,2"])).code).toBe(0);
    const refused = await lfm2([...args, "--ids", "3"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("replace it with --force")]);
    expect(manifestOf(output).ids).toEqual([1, 2]);
    expect((await lfm2([...args, "--ids", "3", "--force"])).code).toBe(0);
    expect(manifestOf(output).ids).toEqual([3]);

    const foreign = mkdtempSync(join(folder, "foreign-"));
    writeFileSync(join(foreign, "golden.json"), '{ "format": "theirs" }');
    expect((await lfm2(["trace", "--points", "lm_head", "--ids", "1", "-o", foreign, "--force"])).code).toBe(1);
    expect(readFileSync(join(foreign, "golden.json"), "utf8")).toContain("theirs");
  });

  it("leaves nothing that looks whole when it is stopped", async () => {
    const output = join(folder, "stopped");
    const ids = Array.from({ length: 3000 }, (_, i) => i % 2048).join();
    const child = start(["trace", "--backend", "reference", "--ids", ids, "-o", output]);
    const ended = ending(child);
    await written(child.stderr, /will be written/);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(readdirSync(folder)).not.toContain("stopped");
  });
});

describe("writeTrace", () => {
  it("puts rows where their positions are, whichever are chosen", async () => {
    const output = join(folder, "rows");
    const model = await open();
    try {
      const ids = Array.from({ length: 40 }, (_, i) => i);
      await writeTrace(output, model, ids, { points: ["lm_head", "**.expert_bias"], positions: { from: 5, to: 39 } });
      const { data, cols } = await model.logits(ids);
      const tensors = await tensorsOf(output);
      expect(await tensors.load("lm_head")).toEqual(data.slice(5 * cols, 39 * cols));
      for await (const { name, data: bias } of model.trace([1], { points: ["**.expert_bias"] })) {
        expect(await tensors.load(name), name).toEqual(bias);
      }
      await tensors.close();
    } finally {
      await model.close();
    }
  });

  it("removes what it wrote when the disk or the caller ends it, and leaves an older trace", async () => {
    const output = join(folder, "library");
    const model = await open();
    try {
      await writeTrace(output, model, [1, 2, 3], { points: ["lm_head"] });
      const files = readdirSync(output).map((name) => readFileSync(join(output, name)));
      const controller = new AbortController();
      const stopped = writeTrace(
        output,
        model,
        Array.from({ length: 500 }, (_, i) => i),
        {
          force: true,
          signal: controller.signal,
          onProgress: () => controller.abort(new Error("enough")),
        },
      );
      await expect(stopped).rejects.toThrow("enough");
      expect(readdirSync(output).map((name) => readFileSync(join(output, name)))).toEqual(files);
      rmSync(join(output, "trace.safetensors"));
      mkdirSync(join(output, "trace.safetensors"));
      rmSync(join(output, "trace.json"), { force: true });
      await expect(writeTrace(output, model, [1], { points: ["lm_head"] })).rejects.toThrow("expected a new or empty");
    } finally {
      await model.close();
    }
  });
});
