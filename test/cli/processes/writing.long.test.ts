// What the end of the process in the middle of writing leaves: what was there before, or nothing.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ending, lfm2, start } from "../lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-signals-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const many = Array.from({ length: 3000 }, (_, i) => i % 2048).join();

/** Starts a command, sends it a signal as soon as a file of its own is in `place`, and waits for its end. */
async function killed(args: readonly string[], place: string, signal: NodeJS.Signals) {
  const child = start(args);
  const ended = ending(child);
  const isWriting = () => {
    try {
      return readdirSync(place).some((name) => name.endsWith(".part"));
    } catch {
      return false; // not made yet
    }
  };
  while (!isWriting() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  return ended;
}

describe("a signal in the middle of writing", () => {
  it.each([
    ["SIGTERM", 143, "trace"],
    ["SIGHUP", 129, "golden make"],
  ] as const)("%s ends with %i and removes what %s has begun", async (signal, code, command) => {
    const output = join(folder, signal);
    const args = [...command.split(" "), "--backend", "reference", "--ids", many, "-o", output];
    expect((await killed(args, output, signal)).code).toBe(code);
    expect(readdirSync(folder)).not.toContain(signal);
  });

  it("SIGTERM leaves no part of a model", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    const args = ["synth", "--shape", "lfm2-8b-a1b", "--quant", "Q8_0", "-o", join(own, "big.gguf")];
    expect(await killed(args, own, "SIGTERM")).toEqual({ code: 143, stdout: "", stderr: "" });
    expect(readdirSync(own)).toEqual([]);
  });

  it("SIGKILL leaves the trace that was to be replaced, and nothing under its names that is cut", async () => {
    const output = join(folder, "trace");
    await lfm2(["trace", "--points", "lm_head", "--ids", "1,2", "-o", output]);
    const read = () => ["trace.json", "trace.safetensors"].map((name) => readFileSync(join(output, name), "latin1"));
    const before = read();
    await killed(["trace", "--backend", "reference", "--ids", many, "-o", output, "--force"], output, "SIGKILL");
    expect(read()).toEqual(before);
  });

  it("what SIGKILL has left of a first trace does not keep the next one from its place", async () => {
    const output = join(folder, "again");
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const left = `.trace.safetensors.${pid}.part`;
    const others = `.trace.safetensors.${process.pid}.part`;
    mkdirSync(output);
    for (const name of [left, others]) writeFileSync(join(output, name), "half");
    const args = ["trace", "--points", "lm_head", "--ids", "1,2", "-o", output];
    const refused = await lfm2(args);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`found ${others} in it: it stays`)]);
    rmSync(join(output, others));
    expect((await lfm2(args)).code).toBe(0);
    expect(readdirSync(output).sort()).toEqual(["trace.json", "trace.safetensors"]);
  });
});
