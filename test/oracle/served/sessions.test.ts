// Scenarios of several sequences on servers: transformers' replays of them behind /v1/completions.
import { describe, expect, it } from "vitest";
import { readSessions, type SessionManifest } from "../../../src/oracle/sessions/session-manifest.ts";
import { diskFolder } from "../../../src/sources/disk.ts";
import { golden, lfm2 } from "../../cli/lfm2.ts";
import { serveReplay } from "./replay.ts";

describe("scenarios on a server", () => {
  it("say what was not seen, and end as every comparison does", async () => {
    const { scenarios } = (await readSessions(diskFolder(`${golden}sessions/plain`))) as SessionManifest;
    for (const [file, code, said] of [
      ["plain/none.safetensors", 0, /\n {2}hit +5 .* ok\n/],
      ["plain/another-sequence.safetensors", 1, /\nSession fault: another sequence's state was read\.\n/],
    ] as const) {
      const serving = await serveReplay(scenarios, file);
      const ended = await lfm2(["golden", "check", `${golden}sessions/plain`, "--trace", serving.address]);
      await serving.close();
      expect([ended.code, ended.stdout]).toEqual([code, expect.stringMatching(said)]);
      expect(ended.stdout).toMatch(
        /^Of a server: 20 of 110 ids at each of 87 positions, \d+ % of the probability\.\nNot seen: /,
      );
    }
  });
});
