// `lfm2 eval` that is stopped, and goes on.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ending, golden, lfm2, start } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-eval-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = `${golden}nano/samples.txt`;

describe("lfm2 eval", () => {
  it("prints what is there after Ctrl-C, and goes on from a file that ends in half a line", async () => {
    const [whole, output] = [join(folder, "alone.jsonl"), join(folder, "stopped.jsonl")];
    const args = ["eval", "-f", text, "-c", "32", "--json"];
    const complete = await lfm2([...args, "-o", whole]);
    expect(complete.code).toBe(0);

    const child = start([...args, "-o", output]);
    const ended = ending(child);
    while (linesOf(output) < 4 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    const { windows } = JSON.parse(stdout);
    expect(windows.done).toBe(linesOf(output) - 1);
    expect(windows.missing).toHaveLength(145 - windows.done);

    // As a power cut would leave it: in the middle of a line.
    writeFileSync(output, readFileSync(output).subarray(0, -40));
    const resumed = await lfm2([...args, "-o", output]);
    expect(resumed.stderr).toContain(`going on after ${windows.done - 1} windows.`);
    expect(resumed.stdout).toBe(complete.stdout);
    expect(readFileSync(output, "utf8")).toBe(readFileSync(whole, "utf8"));

    const other = await lfm2(["eval", "-f", text, "-c", "32", "--mode", "exact", "--shard", "1/9", "-o", output]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(
      `${output}: expected results of this run, found model.mode int8 instead of exact, model.kvType f16 instead of f32, ` +
        "shard 1/1 instead of 1/9. Name another file, or start over with --force.",
    );
    const forced = await lfm2([...args, "--windows", "1", "-o", output, "--force"]);
    expect([forced.code, linesOf(output)]).toEqual([0, 2]);
  });
});

function linesOf(path: string): number {
  try {
    return readFileSync(path, "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
}
