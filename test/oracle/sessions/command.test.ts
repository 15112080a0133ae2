// `lfm2 golden make --sessions` and `lfm2 golden check` of what it wrote.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TensorToWrite, writeSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { golden, lfm2 } from "../../cli/lfm2.ts";
import { goldenTensors } from "../../model/run.ts";

const plain = `${golden}sessions/plain`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-sessions-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A replay that was recorded, some of it changed or left out. */
async function replay(
  file: string,
  change: (name: string, data: Float32Array) => false | TensorToWrite | undefined,
  more: readonly (readonly [string, TensorToWrite])[] = [],
  recorded = "none",
): Promise<string> {
  const tensors = new Map<string, TensorToWrite>(more);
  for (const [name, { shape, data }] of await goldenTensors(`sessions/plain/${recorded}.safetensors`)) {
    const changed = change(name, data as Float32Array);
    if (changed !== false) tensors.set(name, changed ?? { dtype: "F32", shape, data: data as Float32Array });
  }
  const path = join(folder, file);
  writeFileSync(path, writeSafetensors(tensors));
  return path;
}

describe("lfm2 golden make --sessions", () => {
  it("writes what both backends keep to, and a replay by transformers", async () => {
    const made = join(folder, "made");
    const { code, stderr } = await lfm2([
      "golden",
      "make",
      "-m",
      `${golden}mistakes/hooked/plain`,
      "--sessions",
      "-o",
      made,
    ]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/Wrote .*made: 10 scenarios, 70 steps\.\n$/)]);
    const manifest = JSON.parse(readFileSync(join(made, "sessions.json"), "utf8"));
    // The committed one was made by the same command.
    const committed = JSON.parse(readFileSync(join(plain, "sessions.json"), "utf8"));
    expect(manifest.scenarios).toEqual(committed.scenarios);
    expect(manifest).toMatchObject({ format: "lfm2-sessions", version: 1, run: { mode: "exact", kvType: "f32" } });
    for (const backend of ["wasm", "reference"]) {
      const cases = backend === "wasm" ? [] : ["--case", "rejected"];
      const here = await lfm2(["golden", "check", made, "--backend", backend, "--json", ...cases]);
      const { passed, verdict, checks } = JSON.parse(here.stdout);
      expect([here.code, passed, verdict, checks.length]).toEqual([0, true, "equal", backend === "wasm" ? 87 : 5]);
      const worst = Math.max(...checks.map(({ gap }: { gap: { maxAbs: number } }) => gap.maxAbs));
      expect(worst === 0).toBe(backend === "wasm");
    }
    const theirs = await lfm2(["golden", "check", made, "--trace", `${plain}/none.safetensors`]);
    expect([theirs.code, theirs.stdout]).toEqual([0, expect.stringMatching(/\n {2}rejected +5 .* ok\n/)]);
    const again = await lfm2(["golden", "make", "-m", `${golden}mistakes/hooked/plain`, "--sessions", "-o", made]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("a recording; replace it with --force")]);
  });

  it("takes neither ids nor points, and a tolerance with its reason", async () => {
    const make = ["golden", "make", "-m", `${golden}mistakes/hooked/plain`, "--sessions"];
    for (const flags of [
      ["--ids", "1,2"],
      ["--points", "lm_head"],
      ["--positions", "1:"],
      ["-p", "x"],
    ]) {
      const { code, stderr } = await lfm2([...make, ...flags, "-o", join(folder, "none")]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(
          "expected none with --sessions, whose scenarios have ids of their own, and logits, found one",
        ),
      ]);
    }
    const loose = join(folder, "loose");
    expect((await lfm2([...make, "--atol", "0.5", "--reason", "bfloat16", "-o", loose])).code).toBe(0);
    const { tolerances } = JSON.parse(readFileSync(join(loose, "sessions.json"), "utf8"));
    expect(tolerances).toEqual([{ points: "**", atol: 0.5, rtol: 0, reason: "bfloat16" }]);
  });
});

describe("lfm2 golden check of sessions", () => {
  it("names a fault, where it shows first and after what, for people, JUnit and GitHub", async () => {
    const report = join(folder, "sessions.xml");
    const fault = `${plain}/not-rolled-back.safetensors`;
    const { code, stdout } = await lfm2(["golden", "check", plain, "--trace", fault, "--github", "--junit", report]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n {2}rejected +5 .* 3 outside\n/);
    expect(stdout).toContain(
      "\nNot recorded, and so not checked: steps, interleaved, batch, padded, left, reused, hit, restored\n",
    );
    expect(stdout).toContain(
      "\nSession fault: the state was not rolled back after a rejected guess.\n  first wrong in rejected: action 3, sequence a:\n",
    );
    expect(stdout).toContain("\n    It was rewound to 6 ids just before, 3 ids having been rejected.\n");
    expect(stdout).toMatch(
      / if the convolutions remembered the rejected ids 30, 46, 84\.\nThe same ids alone agree\.\n/,
    );
    expect(stdout).toMatch(
      /::error title=golden [^\n]*::Session fault: the state was not rolled back after a rejected guess\.%0A/,
    );
    const xml = readFileSync(report, "utf8");
    expect(xml).toMatch(/<testsuites tests="34" failures="3"/);
    expect(xml).toContain(
      '<testcase classname="rejected" name="action 3, a">\n      <failure message="Session fault: the state was not rolled back after a rejected guess.">',
    );
  });

  it("says what is missing of a scenario that was recorded, and what belongs to none", async () => {
    const extra: TensorToWrite = { dtype: "F32", shape: [1, 110], data: new Float32Array(110) };
    const path = await replay("part.safetensors", (name) => (name === "hit.4.b" ? false : undefined), [
      ["hit.9.b", extra],
    ]);
    const { code, stdout } = await lfm2(["golden", "check", plain, "--trace", path]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nIn no scenario: hit\.9\.b\nMissing from scenarios that were recorded: hit\.4\.b\n\nIncomplete\.\n/,
    );
  });

  it("takes whole steps and wider vocabularies, of which the last row and the ids count", async () => {
    const path = await replay("wide.safetensors", (_, data) => {
      const rows = new Float32Array(3 * 128).fill(7);
      rows.set(data.subarray(-110), 2 * 128);
      return { dtype: "F32", shape: [1, 3, 128], data: rows };
    });
    expect((await lfm2(["golden", "check", plain, "--trace", path])).code).toBe(0);
    const narrow = await replay("narrow.safetensors", (_, data) => ({
      dtype: "F32",
      shape: [1, 9],
      data: data.slice(0, 9),
    }));
    const { code, stderr } = await lfm2(["golden", "check", plain, "--trace", narrow]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("alone.0.s0: expected logits of 110 ids, found 9. Record them whole"),
    ]);
  });

  /** The steps after which a sequence has read the first six ids of most scenarios, and no others: alone, and in them. */
  const sixIds = (name: string): boolean =>
    /^(alone\.2\.s1|(steps|batch|left)\.1\.a|interleaved\.2\.a|(reused|hit|restored)\.0\.a)$/.test(name);
  const raise = (data: Float32Array): undefined => {
    data[3] += 1;
  };

  it("does not call an error a session's that the same ids have alone", async () => {
    const path = await replay("plain.safetensors", (name, data) => (sixIds(name) ? raise(data) : undefined));
    const { code, stdout } = await lfm2(["golden", "check", plain, "--trace", path, "--json"]);
    const { verdict, findings } = JSON.parse(stdout);
    expect([code, verdict, findings.length]).toEqual([1, "different", 1]);
    expect(findings[0]).toMatchObject({ scenario: "alone", action: 2, faults: [] });
    // In company alone it is one.
    const beside = await replay("beside.safetensors", (name, data) => (name === "steps.1.a" ? raise(data) : undefined));
    const other = await lfm2(["golden", "check", plain, "--trace", beside]);
    expect([other.code, other.stdout]).toEqual([
      1,
      expect.stringContaining("Session fault: cause not known.\n  first wrong in steps: action 1, sequence a:\n"),
    ]);
    expect(other.stdout).toContain("The same ids alone agree.\n");
  });

  it("finds a fault behind an error that the same ids have alone", async () => {
    const ids = [53, 69, 107, 73, 61, 71, 30, 46, 84].join(", ");
    const { scenarios } = JSON.parse(readFileSync(join(plain, "sessions.json"), "utf8"));
    const action = scenarios[0].actions.findIndex(
      ({ step = {} }) => Object.values(step).join() === ids.replaceAll(" ", ""),
    );
    const path = await replay(
      "both.safetensors",
      (name, data) => (name === "rejected.1.a" || name.startsWith(`alone.${action}.`) ? raise(data) : undefined),
      [],
      "not-rolled-back",
    );
    const { code, stdout } = await lfm2(["golden", "check", plain, "--trace", path]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining("Session fault: the state was not rolled back after a rejected guess.\n"),
    ]);
    expect(stdout).toContain("\n  first wrong in rejected: action 3, sequence a:\n");
    expect(stdout).toContain("Left out is what is wrong alone, too; lfm2 compare finds out why.\n");
  });

  it("calls no difference that has no name a session's where rounding is allowed for", async () => {
    const loose = join(folder, "rounded");
    cpSync(plain, loose, { recursive: true });
    const text = readFileSync(join(plain, "sessions.json"), "utf8");
    writeFileSync(join(loose, "sessions.json"), text.replace(/"atol": [^,]+/, '"atol": 0.1'));
    const path = await replay("rounded.safetensors", (name, data) => (name === "steps.1.a" ? raise(data) : undefined));
    const { code, stdout } = await lfm2([
      "golden",
      "check",
      loose,
      "--trace",
      path,
      "-m",
      `${golden}mistakes/hooked/plain`,
    ]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining("\nDifferent.\n  first wrong in steps: action 1, sequence a:\n"),
    ]);
    expect(stdout).toContain("record them in float32 to tell.\n");
    const fault = await lfm2([
      "golden",
      "check",
      loose,
      "--trace",
      `${plain}/lost-on-hit.safetensors`,
      "-m",
      `${golden}mistakes/hooked/plain`,
    ]);
    expect(fault.stdout).toContain("Session fault: the state was lost on a cache hit.\n");
  });

  it("tells NaN by name, and is not equal", async () => {
    const path = await replay("nan.safetensors", (name, data) => {
      if (name === "steps.3.a") data[4] = Number.NaN;
      return undefined;
    });
    const { code, stdout } = await lfm2(["golden", "check", plain, "--trace", path]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("1 of its 110 logits are NaN or infinite.\n")]);
  });

  it("tells what is wrong without the model, and why no fault is named", async () => {
    const alone = join(folder, "alone");
    cpSync(join(plain, "sessions.json"), join(alone, "sessions.json"));
    cpSync(join(plain, "sessions.safetensors"), join(alone, "sessions.safetensors"));
    const check = ["golden", "check", alone, "--trace", `${plain}/lost-on-hit.safetensors`];
    const { code, stdout, stderr } = await lfm2(check);
    expect(code).toBe(1);
    expect(stderr).toContain("No faults are tried: ");
    expect(stdout).toContain("Session fault: cause not known.\n  first wrong in hit: action 3, sequence b:\n");
    expect(stdout).toContain("No model was there to try faults on: name it with -m.\n");
    const named = await lfm2([...check, "-m", `${golden}mistakes/hooked/plain`]);
    expect(named.stdout).toContain("Session fault: the state was lost on a cache hit.\n");
    const other = await lfm2([...check, "-m", `${golden}mistakes/hooked/stretched`]);
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringContaining("vocab_size: expected 110, found 100. Name the"),
    ]);
  });

  it("refuses ids that no model of these logits has, before it runs any", async () => {
    const beyond = join(folder, "beyond");
    cpSync(plain, beyond, { recursive: true });
    for (const [from, to, what] of [
      ['"pad": 0', '"pad": 110', "pad"],
      ['"b": [90, 106', '"b": [90, 110', "interleaved"],
    ]) {
      const text = readFileSync(join(plain, "sessions.json"), "utf8");
      writeFileSync(join(beyond, "sessions.json"), text.replace(from, to));
      const { code, stderr } = await lfm2(["golden", "check", beyond, "-m", `${golden}mistakes/hooked/plain`]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(`${what}: expected ids below 110, as many as there are logits, found 110.`),
      ]);
    }
  });

  it("refuses what cannot be compared", async () => {
    const check = (...flags: string[]) => lfm2(["golden", "check", plain, ...flags]);
    const trace = ["--trace", `${plain}/none.safetensors`];
    expect(await check(...trace, "--points", "lm_head")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--points: expected none with"),
    });
    expect(await check(...trace, "--case", "other")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--case: expected one of alone, steps"),
    });
    expect(await check("--trace", `${golden}dumps/hooks.safetensors`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected logits by the names of the steps, such as alone.0.s0, found none."),
    });
    expect(await check("--trace", join(folder, "nothing"))).toMatchObject({ code: 2 });
  });
});
