// A model's files are judged alike wherever they lie and whoever opens them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { locateInNode, open } from "../../src/index.ts";
import { golden, lfm2 } from "../cli/lfm2.ts";
import { type ScriptedServer, sends, serveScript } from "../sources/scripted-server.ts";

const folder = mkdtempSync(join(tmpdir(), "lfm2-verdicts-"));
const files = new Map<string, Buffer<ArrayBuffer>>();
const model = `${golden}config/keys/dense`;
let server: ScriptedServer;

/** One model that a key makes odd, and one that another key makes a different model. */
const changes = { odd: { unheard_of: 1 }, other: { is_causal: false } };
const ODD = 'config.json: unknown key, which is not used: "unheard_of"';
const OTHER = "config.json, is_causal: expected true, found false";

beforeAll(async () => {
  const weights = readFileSync(join(model, "model.safetensors"));
  const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
  for (const [name, change] of Object.entries(changes)) {
    const own = mkdtempSync(join(folder, `${name}-`));
    files.set(`/${name}/config.json`, Buffer.from(JSON.stringify({ ...config, ...change })));
    files.set(`/${name}/model.safetensors`, weights);
    for (const file of ["config.json", "model.safetensors"]) {
      writeFileSync(join(own, file), files.get(`/${name}/${file}`) as Buffer);
    }
    places[name as keyof typeof changes] = own;
  }
  server = await serveScript((asked, response) => {
    const file = files.get(asked.path);
    if (file === undefined) response.writeHead(404).end();
    else sends(file)(asked, response);
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const places = { odd: "", other: "" };
const listOf = (name: string) =>
  ["config.json", "model.safetensors"].map(
    (file) => new File([files.get(`/${name}/${file}`) as Buffer<ArrayBuffer>], file),
  );
const sourcesOf = (name: "odd" | "other") => [
  places[name],
  join(places[name], "model.safetensors"),
  `${server.url}/${name}/`,
  `${server.url}/${name}/model.safetensors`,
  listOf(name),
];

describe("a model's files", () => {
  it("are warned of alike by path, URL and File list", async () => {
    for (const source of sourcesOf("odd")) {
      const { folder, file } = await locateInNode(source);
      const checkpoint = await openCheckpoint(folder, file);
      expect(checkpoint.warnings).toEqual([expect.stringContaining(ODD)]);
      await Promise.all(checkpoint.files.map((one) => one.close()));
    }
  });

  it("are refused alike by path, URL and File list, and by every command", async () => {
    for (const source of sourcesOf("other")) await expect(open(source)).rejects.toThrow(OTHER);
    const output = ["-o", join(folder, "out")];
    const run = (place: string) =>
      Promise.all([
        lfm2(["inspect", place]),
        lfm2(["logits", "-m", place, "--ids", "1", ...output]),
        lfm2(["quantize", place, "--type", "Q8_0", ...output]),
        lfm2(["convert", place, ...output]),
      ]);
    for (const { code, stderr } of [...(await run(places.other)), ...(await run(`${server.url}/other/`))]) {
      expect(stderr).toContain(OTHER);
      expect(code).toBe(1);
    }
  });
});
