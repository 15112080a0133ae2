// `lfm2 serve` held against goldens, as any server is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open } from "../../../src/index.ts";
import { createApp } from "../../../src/server/app.ts";
import { type Listening, listen } from "../../../src/server/node-listen.ts";
import { lfm2 } from "../../cli/lfm2.ts";

describe("this project's own server", () => {
  let folder: string;
  let listening: Listening;
  let close: () => Promise<void>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lfm2-served-"));
    const model = await open(undefined, { mode: "exact", kvType: "f32", contextLength: 1024 });
    listening = await listen(createApp(model, { host: "127.0.0.1", cors: [], name: "nano" }), "127.0.0.1", 0);
    close = async () => {
      await listening.close(0);
      await model.close();
    };
  });
  afterAll(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });

  it("keeps sequences apart, and has every position of a golden", async () => {
    const address = `${listening.url}/v1/completions`;
    const [sessions, run] = [join(folder, "sessions"), join(folder, "run")];
    expect(await lfm2(["golden", "make", "--sessions", "-o", sessions])).toMatchObject({ code: 0 });
    const scenarios = await lfm2(["golden", "check", sessions, "--trace", address]);
    expect([scenarios.code, scenarios.stdout]).toEqual([0, expect.stringMatching(/^Of a server: 20 of \d+ ids/)]);
    expect(await lfm2(["golden", "make", "--chat", "Hello!", "-o", run])).toMatchObject({ code: 0 });
    const positions = await lfm2(["golden", "check", run, "--trace", address]);
    expect([positions.code, positions.stdout]).toEqual([
      0,
      expect.stringMatching(/: a server, asked for an echo with log-probabilities: 20 to 21 of \d+ ids/),
    ]);
    expect(positions.stdout).toMatch(/\nNot recorded, and so not checked: model\.|\n.*not.*model\.layers/i);
  });
});
