// Every kind of edit, in the page and on the command line: the same text, and the same logits to the last bit.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { editKinds } from "../../../src/edits/edit.ts";
import { open } from "../../../src/index.ts";
import { lfm2 } from "../../cli/lfm2.ts";
import { onBuiltPage } from "./built-page.ts";

const PROMPT = "Hello! Who are you?";
/** "Hello!" asked, and the beginning of the thought. */
const IDS = [1, 6, 330, 214, 686, 852, 1128, 907, 677, 33, 684, 46].join(",");

const edits = [
  "expert-off:7,9@2-5",
  "expert-forced:3",
  "weight-zeroed:3",
  "k:2",
  "softmax",
  "no-bias",
  "no-normalization",
  "no-norm:ffn_norm@4",
  "no-convolution@0",
];

/** What the command line says and computes, by edit. */
const said = new Map<string, { readonly text: string; readonly logits: string }>();
let folder: string;
/** Of the prompt, as a chat has it. */
let prompt: readonly number[];
beforeAll(async () => {
  const model = await open(undefined, { mode: "exact", contextLength: 64 });
  prompt = await model.encodeChat([{ role: "user", content: PROMPT }]);
  await model.close();
  folder = mkdtempSync(join(tmpdir(), "lfm2-edits-"));
  const plain = join(folder, "plain.safetensors");
  await lfm2(["logits", "--mode", "exact", "--ids", IDS, "-o", plain]);
  for (const [i, edit] of edits.entries()) {
    const flags = ["--mode", "exact", "--edit", edit];
    const run = await lfm2(["run", "--greedy", "-n", "64", "-p", PROMPT, "--json", "--logprobs", "0", ...flags]);
    const { tokens } = JSON.parse(run.stdout) as { tokens: { text: string }[] };
    const path = join(folder, `${i}.safetensors`);
    await lfm2(["logits", "--ids", IDS, "-o", path, ...flags]);
    expect(readFileSync(path).equals(readFileSync(plain)), edit).toBe(false);
    said.set(edit, {
      text: tokens.map(({ text }) => text).join(""),
      logits: readFileSync(path).toString("base64"),
    });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

it("is tried for every kind", () => {
  expect(edits.map((edit) => edit.replace(/[:@].*/, ""))).toEqual([...editKinds]);
});

onBuiltPage((page) => {
  it("writes the text that lfm2 run --edit writes", async () => {
    await page.visit("#/change");
    for (const edit of edits) {
      const written = await page.run(
        async (hands, [ids, edit]) => {
          location.hash = `#/change?ids=${ids}&edit=${edit}`; // the prompt alone, without a true answer beside it
          await hands.find("code", `--edit ${edit}`);
          return document.querySelector("[data-fact=edited-text]")?.textContent ?? "";
        },
        [prompt.join(","), edit] as const,
      );
      expect(written.trim(), edit).toBe(said.get(edit)?.text.trim());
    }
  });

  it("computes the logits that lfm2 logits --edit writes, to the last bit", async () => {
    await page.visit("#/oracle");
    for (const edit of edits) {
      const verdict = await page.run(
        async (hands, [ids, edit, logits]) => {
          location.hash = `#/oracle?weights=no&ids=${ids}&edit=${edit}`;
          await hands.find("[data-side=b]", edit);
          const name = `${edit.replace(/\W/g, "-")}.safetensors`;
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(atob(logits), (c) => c.charCodeAt(0))], name));
          const input = (await hands.find("[data-side=a] input[type=file]")) as HTMLInputElement;
          input.files = transfer.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
          const run = (side: number) => document.querySelectorAll(".runs dd")[side]?.textContent ?? "";
          await hands.until(() => run(0).startsWith(name) && run(1).includes(`with ${edit}:`), "the comparison");
          return document.querySelector(".verdict")?.textContent ?? "";
        },
        [IDS, edit, said.get(edit)?.logits ?? ""] as const,
      );
      expect(verdict, edit).toBe("Equal within tolerance at every point; all numbers are the same.");
    }
  });
});
