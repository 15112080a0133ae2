// A process that is killed while it fetches: another one goes on with what it has brought.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ending, golden, lfm2Process, start } from "../cli/lfm2.ts";
import { REPO, sendSome, serveHub, sha256 } from "./fake-hub.ts";
import { emptyFolder } from "./fetched.ts";

const model = readFileSync(`${golden}nano/lfm2-nano-Q4_0.gguf`);

it("a download goes on after kill -9, and after Ctrl-C nothing is fetched twice", async () => {
  const hub = await serveHub({ "lfm2-nano-Q4_0.gguf": model });
  try {
    const folder = emptyFolder();
    mkdirSync(join(folder, "empty"));
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: folder, HF_HUB_CACHE: "", HF_TOKEN: "", HF_HUB_OFFLINE: "" };
    const args = ["logits", "-m", `hf:${REPO}:Q4_0`, "--ids", "1,2", "--force", "-o", join(folder, "out.safetensors")];
    let brought = 0;
    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      const stall = new Promise<void>((resolve) => {
        hub.fault = ({ kind, range = [0, 0] }, response, content) => {
          if (kind !== "file") return false;
          // A second piece after the state has been saved, and then silence.
          sendSome(response, content, range, 1_500_000, () => {
            setTimeout(
              () => response.write(content.subarray(range[0] + 1_500_000, range[0] + 2_000_000), () => resolve()),
              2_500,
            );
          });
          return true;
        };
      });
      const child = start(args, { env });
      const ended = ending(child);
      await stall;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      child.kill(signal);
      await ended;
      const state = JSON.parse(
        readFileSync(
          join(folder, "hub/models--LiquidAI--LFM2-nano-GGUF/blobs", `${sha256(model)}.lfm2-part.json`),
          "utf8",
        ),
      );
      // Killed, it loses what has come since the state was last saved, and what had not been written then; stopped, nothing.
      if (signal === "SIGKILL") expect(state.done[0]).toBeGreaterThanOrEqual(1_000_000);
      else expect(state.done[0]).toBe(brought + 2_000_000);
      brought = state.done[0];
    }
    hub.fault = () => false;
    const before = hub.sent();
    const { code, stderr } = await lfm2Process(args, { env });
    expect(code, stderr).toBe(0);
    expect(hub.sent() - before).toBe(model.length - brought);
  } finally {
    await hub.close();
  }
});
