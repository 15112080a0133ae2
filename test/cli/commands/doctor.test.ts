// `lfm2 doctor`: what it finds of checkpoints that are whole, damaged, or not what their name says.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Check, isQuick, publishedChecks, structureChecks } from "../../../src/cli/reports/diagnosis.ts";
import { inspectModel } from "../../../src/cli/reports/inspection.ts";
import { parsePublished } from "../../../src/oracle/published/entry.ts";
import { golden, lfm2 } from "../lfm2.ts";

const nano = `${golden}nano/lfm2-nano-Q4_0.gguf`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-doctor-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function doctor(...args: string[]): Promise<{ code: number | null; checks: Map<string, Check> }> {
  const { code, stdout } = await lfm2(["doctor", "--json", ...args]);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { code, checks: new Map(checks.map((check) => [check.name, check])) };
}

const verdicts = (checks: Map<string, Check>): Record<string, string> =>
  Object.fromEntries([...checks].map(([name, { verdict }]) => [name, verdict]));

describe("lfm2 doctor", () => {
  it("passes what the graph asks for, and of what nothing is published says unknown", async () => {
    const { code, checks } = await doctor(nano, "--no-run");
    expect(code).toBe(0);
    expect(verdicts(checks)).toEqual({
      files: "ok",
      tensors: "ok",
      memory: "ok",
      config: "unknown",
      tokenizer: "unknown",
      "special ids": "unknown",
      template: "unknown",
      hash: "unknown",
      greedy: "unknown",
    });
    expect(checks.get("greedy")?.says).toContain("not run");
  });

  it("fails a file that is cut short, and names what is missing", async () => {
    const path = join(folder, "cut.gguf");
    writeFileSync(path, readFileSync(nano).subarray(0, 3_000_000));
    const { code, checks } = await doctor(path);
    expect(code).toBe(1);
    expect(checks.get("files")?.verdict).toBe("fails");
    expect([...checks.keys()]).toEqual(["files"]);
  });
});

describe("a diagnosis", () => {
  const about = { source: "a test", sure: "high", models: ["x"], proves: "it", reason: "so" };
  const [special, tokens, template] = parsePublished(
    {
      format: "lfm2-published",
      version: 1,
      entries: [
        {
          id: "tok-special-x",
          ...about,
          step: { kind: "tokens", cases: [{ input: { text: "a", bos: true }, ids: [1] }] },
        },
        { id: "tok-x", ...about, step: { kind: "tokens", cases: [{ input: { text: "a", bos: true }, ids: [1] }] } },
        {
          id: "chat-x",
          ...about,
          step: { kind: "tokens", cases: [{ input: { messages: [{ role: "user", content: "a" }] }, ids: [1] }] },
        },
      ],
    },
    "test",
  );
  const tried = (entry: typeof special, passed: boolean) =>
    ({ entry, by: "name", finding: { passed, says: "the ids of 1 text" }, byHand: undefined }) as const;

  it("holds each check against the facts that are about it, and against no others", async () => {
    const inspection = await inspectModel(nano, {}, {});
    const found = publishedChecks(inspection, [tried(special, true), tried(tokens, false)], []);
    const by = new Map(found.map((check) => [check.name, check]));
    expect(by.get("special ids")).toMatchObject({
      verdict: "ok",
      says: expect.stringContaining("as published (tok-special-x)"),
    });
    expect(by.get("tokenizer")).toMatchObject({ verdict: "fails", says: "the ids of 1 text (tok-x)" });
    expect(by.get("template")?.verdict).toBe("unknown");
    expect(
      publishedChecks(inspection, [tried(template, true)], []).find(({ name }) => name === "template")?.verdict,
    ).toBe("ok");
    expect([special, tokens, template].every(isQuick)).toBe(true);
  });

  it("says where two modes part, and fails when one of them cannot run", async () => {
    const inspection = await inspectModel(nano, {}, {});
    const greedy = (...runs: Parameters<typeof publishedChecks>[2]) =>
      publishedChecks(inspection, undefined, runs).at(-1);
    expect(greedy({ mode: "int8", ids: [1, 2, 3] }, { mode: "exact", ids: [1, 5, 3] })).toEqual({
      name: "greedy",
      verdict: "unknown",
      says: "int8 1,2,3 and exact 1,5,3, apart from token 1 on; nothing is published to hold it against",
    });
    expect(greedy({ mode: "int8", ids: undefined, error: "x: expected a, found b." })?.verdict).toBe("fails");
  });

  it("fails a model for which there is not enough memory", async () => {
    const inspection = await inspectModel(nano, {}, {});
    const memory = structureChecks(inspection, { bytes: 50_000_000, what: "free memory of this machine" }).at(-1);
    expect(memory).toMatchObject({
      name: "memory",
      verdict: "fails",
      says: expect.stringContaining("free memory of this machine is 0.05 GB: take"),
    });
  });
});
