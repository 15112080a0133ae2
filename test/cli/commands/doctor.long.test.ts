// `lfm2 doctor` of a file that goes by another's name.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Check } from "../../../src/cli/reports/diagnosis.ts";
import { golden, lfm2 } from "../lfm2.ts";

it("a file that is not what its name says fails by its hash and its config", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lfm2-doctor-"));
  try {
    const path = join(folder, "LFM2-350M-Q8_0.gguf");
    copyFileSync(`${golden}nano/lfm2-nano-Q4_0.gguf`, path);
    const { code, stdout } = await lfm2(["doctor", "--json", path]);
    const checks = new Map((JSON.parse(stdout).checks as Check[]).map((check) => [check.name, check]));
    expect(code).toBe(1);
    expect(checks.get("hash")).toMatchObject({
      verdict: "fails",
      says: expect.stringMatching(/^SHA-256 d40dcfd23abf… instead of b7bfeab6495a…/),
    });
    expect(checks.get("config")).toMatchObject({ verdict: "fails", says: expect.stringContaining("(config-350m)") });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
