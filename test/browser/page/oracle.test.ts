// The oracle of the page: recordings held against one another, and against the model that runs in the page, are told apart
// in the words of `lfm2 compare` on the same files; and the page's engine gives the bits of every other.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectedBits } from "../../../src/oracle/same-bits.ts";
import { golden, lfm2 } from "../../cli/lfm2.ts";
import { type BuiltPage, onBuiltPage } from "./built-page.ts";

/** "Hello!" asked, and the beginning of the thought. */
const IDS = [1, 6, 330, 214, 686, 852, 1128, 907, 677, 33, 684, 46].join(",");
/** Made by transformers: the true run, and one with a mistake in its code. */
const TRUE = `${golden}mistakes/moe-small/none.safetensors`;
const MISTAKEN = `${golden}mistakes/moe-small/softmax-router.safetensors`;
/** The model that both ran. */
const MODEL = `${golden}transformers/moe-small`;

let folder: string;
const said = { pair: "", model: "" };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-oracle-"));
  await lfm2(["trace", "--ids", IDS, "-o", join(folder, "trace")]);
  await lfm2(["golden", "make", "--ids", IDS, "-o", join(folder, "golden")]);
  said.pair = (await lfm2(["compare", TRUE, MISTAKEN])).stdout;
  said.model = (await lfm2(["compare", "-m", MODEL, MISTAKEN])).stdout;
});
afterAll(() => rmSync(folder, { recursive: true }));

type Files = Record<string, string>;
const read = (...paths: string[]): Files =>
  Object.fromEntries(paths.map((path) => [path.split("/").at(-1) as string, readFileSync(path).toString("base64")]));

/** A safetensors file of these tensors. */
function safetensors(tensors: Record<string, readonly number[]>): string {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, numbers]) => {
      const begin = at;
      at += 4 * numbers.length;
      return [name, { dtype: "F32", shape: [1, numbers.length], data_offsets: [begin, at] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.from(new Float32Array(Object.values(tensors).flat()).buffer);
  return Buffer.concat([length, text, data]).toString("base64");
}

/** Puts files into the file pickers of the sides, and of the model where there are some; tells what is then shown. */
const compare = (page: BuiltPage, given: { readonly a?: Files; readonly b?: Files; readonly model?: Files }) =>
  page.run(
    async (hands, given) => {
      const choose = (input: Element, files: Record<string, string>) => {
        const transfer = new DataTransfer();
        for (const [name, content] of Object.entries(files)) {
          transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
        }
        (input as HTMLInputElement).files = transfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      };
      if (given.model) {
        await hands.click(".model-button");
        choose(await hands.find(".file-choice input"), given.model);
        await hands.until(() => document.querySelector("dialog") === null, "the closed dialog");
      }
      const sides = { a: given.a, b: given.b };
      for (const [side, files] of Object.entries(sides)) {
        if (files) choose(await hands.find(`[data-side=${side}] input[type=file]`), files);
      }
      await hands.until(() => document.querySelector(".verdict, .problem") !== null, "a verdict");
      const texts = (selector: string) => [...document.querySelectorAll(selector)].map((e) => e.textContent ?? "");
      return {
        verdict: texts(".verdict")[0] ?? "",
        cause: texts(".cause"),
        runs: texts(".runs dd"),
        notes: texts(".oracle .hint"),
        table: [...document.querySelectorAll(".points tr.outside[data-point]")].map((row) =>
          [...row.children].map((cell) => cell.textContent ?? ""),
        ),
        first: document.querySelector("tr[data-first]")?.getAttribute("data-point") ?? "",
        marked: document.querySelector("button.gap-block[data-first]")?.getAttribute("aria-label") ?? "",
        problem: texts(".problem")[0] ?? "",
      };
    },
    given as { readonly a?: Files; readonly b?: Files; readonly model?: Files },
  );

onBuiltPage((page) => {
  it("compares two recordings that were chosen, in the words of lfm2 compare, and says where they part", async () => {
    await page.visit("#/oracle");
    const found = await compare(page, { a: read(TRUE), b: read(MISTAKEN) });
    const lines = said.pair.trimEnd().split("\n");
    expect(lines).toContain(found.verdict);
    expect(found.verdict).toContain("softmax");
    expect(found.cause.length).toBeGreaterThan(0);
    for (const line of found.cause) expect(lines).toContain(line);
    // The same rows with the same figures, of which the command line shows the first.
    const printed = lines.map((line) => line.trim().split(/ {2,}/)).filter(([name]) => /^(model\.|lm_head)/.test(name));
    expect(printed.length).toBeGreaterThan(3);
    expect(found.table.slice(0, printed.length).map((row) => row.filter(Boolean))).toEqual(printed);
    expect(found.first).toBe(printed[0][0]);
    expect(found.marked).toMatch(/^Layer 2, experts: .* outside tolerance; here the runs part$/);
    await page.axe();
  });

  it("names the mistake with the weights of the model that is open, which it runs on the recording's ids", async () => {
    await page.visit("#/oracle");
    const model = read(`${MODEL}/config.json`, `${MODEL}/model.safetensors`);
    const found = await compare(page, { model, b: read(MISTAKEN) });
    const lines = said.model.trimEnd().split("\n");
    expect(found.problem).toBe("");
    expect(lines).toContain(found.verdict);
    expect(found.cause.length).toBeGreaterThan(0);
    for (const line of found.cause) expect(lines).toContain(line);
    expect(found.runs[0]).toMatch(/^run here: .*exact, f32 KV cache; \d+ positions$/);
    const [, name] = /^B {2}.*(softmax-router\.safetensors: .*)$/m.exec(said.model) ?? [];
    expect(found.runs[1]).toBe(name);
  });

  it("finds what lfm2 trace and lfm2 golden make have written here equal to the last bit", async () => {
    for (const kind of ["trace", "golden"]) {
      await page.visit("#/oracle");
      const b = read(join(folder, kind, `${kind}.json`), join(folder, kind, `${kind}.safetensors`));
      const found = await compare(page, { b });
      expect(found.problem).toBe("");
      expect(found.verdict).toBe("Equal within tolerance at every point; all numbers are the same.");
    }
  });

  it("opens an edit of the model by its address, tells its cause, and shows the positions of a point that is pressed", async () => {
    await page.visit(`#/oracle?ids=${IDS}&edit=softmax`);
    const found = await compare(page, {});
    expect(found.verdict).toMatch(/^Different: softmax .*in B \(softmax-router\)\.$/);
    const rows = await page.run(async (hands) => {
      await hands.click(".points button", "model.layers.2.feed_forward.gate.scores");
      await hands.find("h2", "model.layers.2.feed_forward.gate.scores");
      await hands.find("tr[data-row='0']");
      return {
        hash: location.hash,
        count: document.querySelectorAll("tr[data-row]").length,
        outside: document.querySelectorAll("tr[data-row].outside").length,
      };
    }, null);
    expect(rows).toEqual({ hash: expect.stringContaining("point=model.layers.2"), count: 12, outside: 12 });
    await page.axe();
    await page.visit(`#/oracle?ids=${IDS}&edit=softmax&point=model.layers.7`);
    await page.run(async (hands) => (await hands.find("h2", "model.layers.7")).textContent ?? "", null);
  });

  it("hears while it works, and stops when it is told to", async () => {
    await page.visit("#/oracle");
    const found = await page.run(async (hands, ids) => {
      await hands.find("[data-side=b]");
      location.hash = `#/oracle?ids=${ids}&edit=no-normalization`;
      await hands.find(".opening span", "Looking for the cause");
      await hands.click(".opening button", "Cancel");
      await new Promise((resolve) => setTimeout(resolve, 300));
      return document.querySelectorAll(".verdict, .opening, .problem").length;
    }, IDS);
    expect(found).toBe(0);
  });

  it("says what is wrong with files that are none of these, and what they hold does nothing", async () => {
    const wrong: readonly (readonly [files: Files, problem: RegExp])[] = [
      [
        { "trace.json": btoa('{"format":"lfm2-trace","version":1,"points":"<img src=x onerror=alert(1)>"}') },
        /expected a list/,
      ],
      [
        { "golden.json": btoa('{"format":"lfm2-golden","version":9}') },
        /expected format "lfm2-golden" version 1, found/,
      ],
      [{ "a.txt": btoa("x".repeat(64)) }, /a\.txt: expected/],
      [{ "huge.safetensors": btoa("\xff\xff\xff\xff\xff\xff\xff\x7f{}") }, /huge\.safetensors.*expected .*found/],
      [{ "weights.pt": btoa("PK") }, /weights\.pt.*pickle/i],
      [{ "only.json": btoa("{}") }, /only\.json: expected one file of tensors.*Drop/],
      [
        { "noids.safetensors": safetensors({ lm_head: [1, 2, 3] }) },
        /expected input_ids beside its tensors, found none/,
      ],
    ];
    for (const [b, problem] of wrong) {
      await page.visit("#/oracle");
      const found = await compare(page, { b });
      expect(found.verdict).toBe("");
      expect(found.problem).toMatch(problem);
      expect(found.problem).not.toMatch(/undefined|\[object/);
    }
  });

  it("takes NaN for a difference, and names that mean harm for text", async () => {
    const name = "model.layers.0.<img src=x onerror=document.title='harmed'>\u202egnp";
    await page.visit("#/oracle?weights=no");
    const found = await compare(page, {
      a: { "a.safetensors": safetensors({ [name]: [1, 2, 3], lm_head: [1, 2, 3] }) },
      b: { "b.safetensors": safetensors({ [name]: [1, Number.NaN, 3], lm_head: [1, 2, Number.POSITIVE_INFINITY] }) },
    });
    expect(found.verdict).toMatch(/^Different: .*NaN/);
    expect(found.table.map(([first]) => first)).toEqual([
      "model.layers.0.<img src=x onerror=document.title='harmed'>U+202Egnp",
      "lm_head",
    ]);
    const harmed = await page.run(
      async () => [document.title, String(document.querySelectorAll(".oracle img").length)],
      null,
    );
    expect(harmed).toEqual(["Oracle · LFM2 in this page", "0"]);
  });

  it("verifies this engine: the hashes of both modes are those of every other", async () => {
    await page.visit("#/oracle?show=verify");
    const found = await page.run(async (hands) => {
      const line = await hands.find("[data-fact=bits]");
      const rows = [...document.querySelectorAll<HTMLElement>("tr[data-mode]")];
      return {
        says: line.textContent ?? "",
        runs: rows.map((row) => [row.dataset.mode ?? "", row.querySelector(".mono")?.textContent ?? ""]),
        engine: document.querySelectorAll(".oracle .hint")[1]?.textContent ?? "",
      };
    }, null);
    expect(found.says).toBe("These are the bits that every engine gives.");
    expect(new Set(found.runs.map(([mode]) => mode))).toEqual(new Set(["exact", "int8"]));
    for (const [mode, sha256] of found.runs) expect(sha256).toBe(expectedBits[mode as "exact" | "int8"]);
    const own = { Chromium: /Chrom/, Firefox: /Firefox \d/, "WebKitGTK as it comes": /WebKit/ }[page.engine];
    expect(found.engine).toMatch(own as RegExp);
    await page.axe();
  });
});
