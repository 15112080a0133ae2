// The command, with a model by name: it is fetched, kept, opened offline, listed, and deleted.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { golden, lfm2 } from "../cli/lfm2.ts";
import { COMMIT, type FakeHub, fails, gitHash, REPO, serveHub, sha256, TOKEN } from "./fake-hub.ts";
import { emptyFolder } from "./fetched.ts";

const file = `${golden}nano/lfm2-nano-Q4_0.gguf`;
const model = readFileSync(file);
const config = Buffer.from("{}");
const variables = ["HF_ENDPOINT", "HF_HUB_CACHE", "HF_HOME", "LFM2_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"];
const before = variables.map((name) => process.env[name]);
let hub: FakeHub;
let folder: string;
beforeAll(async () => {
  hub = await serveHub({ "lfm2-nano-Q4_0.gguf": model, "config.json": config });
  for (const name of variables) delete process.env[name];
  process.env.HF_ENDPOINT = hub.endpoint;
});
beforeEach(() => {
  folder = emptyFolder();
  process.env.HF_HOME = folder;
  hub.asked.length = 0;
});
afterAll(async () => {
  for (const [i, name] of variables.entries()) {
    if (before[i] === undefined) delete process.env[name];
    else process.env[name] = before[i];
  }
  await hub.close();
});
const repoFolder = (): string => join(folder, "hub/models--LiquidAI--LFM2-nano-GGUF");
const name = `hf:${REPO}:Q4_0`;
const logits = async (args: readonly string[]): Promise<Buffer> => {
  const path = join(folder, "logits.safetensors");
  const { code, stderr } = await lfm2(["logits", "--ids", "1,2", "--force", "-o", path, ...args]);
  expect(code, stderr).toBe(0);
  return readFileSync(path);
};

describe("a model by name", () => {
  it("computes what its file does, fetched once, and offline as well", async () => {
    const expected = await logits(["-m", file]);
    expect((await logits(["-m", name])).equals(expected)).toBe(true);
    hub.asked.length = 0;
    expect((await logits(["-m", name, "--offline"])).equals(expected)).toBe(true);
    expect(hub.asked).toEqual([]);
  });

  it("that is private is fetched with HF_TOKEN, kept in HF_HUB_CACHE, and opened with HF_HUB_OFFLINE", async () => {
    hub.fault = ({ server, headers }, response) => {
      if (server === "store" || headers.authorization === `Bearer ${TOKEN}`) return false;
      fails(response, 401, undefined, "Repository not found");
      return true;
    };
    try {
      const { code, stderr } = await lfm2(["inspect", name]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining("if the repository is private or gated, set HF_TOKEN"),
      ]);
      const elsewhere = join(folder, "elsewhere");
      Object.assign(process.env, { HF_TOKEN: TOKEN, HF_HUB_CACHE: elsewhere });
      const expected = await logits(["-m", file]);
      expect((await logits(["-m", `${name}@v1`])).equals(expected)).toBe(true);
      const tokens = hub.asked.filter(({ server }) => server === "store").map(({ headers }) => headers.authorization);
      expect(new Set(tokens)).toEqual(new Set([undefined]));
      expect(readdirSync(elsewhere)).toContain("models--LiquidAI--LFM2-nano-GGUF");
      expect(existsSync(join(folder, "hub"))).toBe(false);
      hub.asked.length = 0;
      process.env.HF_HUB_OFFLINE = "1";
      expect((await logits(["-m", `${name}@v1`])).equals(expected)).toBe(true);
      expect(hub.asked).toEqual([]);
    } finally {
      hub.fault = () => false;
      for (const variable of ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"]) delete process.env[variable];
    }
  });

  it("is asked back where it is not clear, with exit code 1", async () => {
    const { code, stderr } = await lfm2(["inspect", `hf:${REPO}:Q8_0`]);
    expect(stderr).toContain(
      `hf:${REPO}:Q8_0: expected one model of Q8_0, found hf:${REPO}/lfm2-nano-Q4_0.gguf. Name one`,
    );
    expect(code).toBe(1);
  });

  it("is inspected without being fetched whole", async () => {
    const sent = hub.sent();
    expect((await lfm2(["inspect", name])).code).toBe(0);
    expect(hub.sent() - sent).toBeLessThan(model.length / 2);
    expect(existsSync(join(repoFolder(), "blobs"))).toBe(false);
  });
});

describe("lfm2 cache", () => {
  /** As huggingface_hub leaves it. */
  function keep(): void {
    for (const place of ["blobs", `snapshots/${COMMIT}`, "refs"])
      mkdirSync(join(repoFolder(), place), { recursive: true });
    for (const [path, hash, content] of [
      ["lfm2-nano-Q4_0.gguf", sha256(model), model],
      ["again-F16.gguf", sha256(model), model],
      ["config.json", gitHash(config), config],
    ] as const) {
      writeFileSync(join(repoFolder(), "blobs", hash), content);
      symlinkSync(`../../blobs/${hash}`, join(repoFolder(), "snapshots", COMMIT, path));
    }
    writeFileSync(join(repoFolder(), "refs/main"), COMMIT);
  }

  it("says that nothing is kept", async () => {
    const { code, stderr } = await lfm2(["cache"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("Nothing is kept in ")]);
  });

  it("lists models with their sizes and revisions, contents counted once", async () => {
    keep();
    const { stdout } = await lfm2(["cache"]);
    expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "))).toEqual([
      `hf:${REPO} 6.66 MB main`,
      `hf:${REPO}/again-F16.gguf 6.66 MB main`,
      `hf:${REPO}/lfm2-nano-Q4_0.gguf 6.66 MB main`,
      "",
    ]);
    const { models } = JSON.parse((await lfm2(["cache", "list", "--json"])).stdout);
    expect(models[0]).toMatchObject({
      repo: REPO,
      refs: { main: COMMIT },
      bytes: model.length + config.length,
      partBytes: 0,
    });
  });

  it("deletes one file, and its content only when nothing else leads to it", async () => {
    keep();
    expect((await lfm2(["cache", "rm", name])).stderr).toContain(`Deleted ${name}: lfm2-nano-Q4_0.gguf.`);
    expect(existsSync(join(repoFolder(), "blobs", sha256(model)))).toBe(true);
    await lfm2(["cache", "rm", `hf:${REPO}/again-F16.gguf`]);
    expect(readdirSync(join(repoFolder(), "blobs"))).toEqual([gitHash(config)]);
  });

  it("deletes a repository, but nothing that is shared with others", async () => {
    keep();
    const shared = join(folder, "hub/blobs/ab/abcd");
    mkdirSync(join(folder, "hub/blobs/ab"), { recursive: true });
    writeFileSync(shared, model);
    symlinkSync("../../blobs/ab/abcd", join(repoFolder(), "blobs/linked"));
    symlinkSync("../../blobs/linked", join(repoFolder(), "snapshots", COMMIT, "linked-F32.gguf"));
    await lfm2(["cache", "rm", `hf:${REPO}`]);
    expect(existsSync(repoFolder())).toBe(false);
    expect(existsSync(shared)).toBe(true);
  });

  it("is told of a name that is not kept, with exit code 2", async () => {
    for (const absent of ["hf:a/b", "https://example.org/x.gguf"]) {
      const { code, stderr } = await lfm2(["cache", "rm", absent]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(`${absent}: expected a model that is kept, found none`),
      ]);
    }
  });
});

it("lfm2 doctor fetches a model by name once, and checks the file that is then kept", async () => {
  const { code, stdout } = await lfm2(["doctor", name, "--json"]);
  expect(code).toBe(0);
  const { checks } = JSON.parse(stdout);
  expect(checks.map(({ verdict }: { verdict: string }) => verdict).slice(0, 3)).toEqual(["ok", "ok", "ok"]);
  expect(checks.at(-1)).toMatchObject({
    name: "greedy",
    verdict: "unknown",
    says: expect.stringMatching(
      /^\d+(?:,\d+){3,15} in both modes; nothing is published|^int8 .* and exact .*, apart from token/,
    ),
  });
  // Two that read the header alone, and then the whole file.
  const whole = hub.asked.filter(
    ({ kind, range }) => kind === "file" && range !== undefined && range[1] - range[0] >= model.length,
  );
  expect(whole.length).toBe(1);
});
