// Twelve questions of a reader, each answered by a view that an address names, and held against what the reference backend
// computes in Node; and a trace that is dropped in.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { open, writeTrace } from "../../../src/index.ts";
import { type BuiltPage, onBuiltPage } from "./built-page.ts";

/** "Hello!" asked, and the beginning of the thought. */
const IDS = [1, 6, 330, 214, 686, 852, 1128, 907, 677, 33, 684, 46];
const [TOKEN, LAYER, CONV, ATTENTION, HEAD] = [9, 5, 3, 6, 1];
const place = (params: string): string => `#/inside?ids=${IDS.join(",")}&answer=8&token=${TOKEN}&${params}`;

const seen = new Map<string, Float32Array | Int32Array>();
let folder: string;
beforeAll(async () => {
  const model = await open(undefined, { backend: "reference", contextLength: 32 });
  const pieces = new Map<string, number[]>();
  for await (const { name, data } of model.trace(IDS)) pieces.set(name, [...(pieces.get(name) ?? []), ...data]);
  for (const [name, numbers] of pieces) seen.set(name, Float32Array.from(numbers));
  folder = mkdtempSync(join(tmpdir(), "lfm2-dropped-"));
  await writeTrace(join(folder, "trace"), model, IDS);
  await model.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const row = (name: string, token = TOKEN): number[] => {
  const all = seen.get(name) as Float32Array;
  const cols = name.endsWith("expert_bias") ? all.length : all.length / IDS.length;
  const at = name.endsWith("expert_bias") ? 0 : token;
  return [...all.subarray(at * cols, (at + 1) * cols)];
};
const gate = (layer: number, what: string, token = TOKEN): number[] =>
  row(`model.layers.${layer}.feed_forward.gate.${what}`, token);
const best = (scores: readonly number[], k: number): number[] =>
  scores
    .map((_, i) => i)
    .sort((a, b) => scores[b] - scores[a])
    .slice(0, k)
    .sort((a, b) => a - b);
const norm = (numbers: readonly number[]): number => Math.hypot(...numbers);
const shares = (logits: readonly number[]): number[] => {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
};
const gated = (layer: number, token: number): number[] => {
  const all = row(`model.layers.${layer}.conv.in_proj`, token);
  return all.slice(0, 128).map((b, i) => b * all[256 + i]);
};

/** The text, and the whole number behind it, of what a selector finds. */
const read = (page: BuiltPage, selector: string) =>
  page.run(async (hands, selector) => {
    await hands.until(() => !/^…?$/.test(document.querySelector(selector)?.textContent ?? ""), selector);
    const found = document.querySelector<HTMLElement>(selector) as HTMLElement;
    return { text: found.textContent ?? "", whole: Number(found.title) };
  }, selector);
const fact = (page: BuiltPage, name: string) => read(page, `[data-fact="${name}"]`);

onBuiltPage((page) => {
  it("why these experts, how near the next was, what the bias changed, where a softmax would choose others", async () => {
    await page.visit(place(`show=router&layer=${LAYER}`));
    const chosen = gate(LAYER, "experts");
    expect((await fact(page, "chosen")).text).toBe(chosen.join(", "));
    expect((await fact(page, "margin")).whole).toBeCloseTo(gate(LAYER, "margin")[0], 4);
    const withoutBias = best(gate(LAYER, "scores"), 4);
    const said = (await fact(page, "without-bias")).text;
    if (String(withoutBias) === String(chosen)) expect(said).toBe("the same");
    else expect(said).toContain(withoutBias.join(", "));
    const layers = Array.from({ length: 22 }, (_, i) => i + 2);
    const other = layers.find((layer) => {
      const bias = row(`model.layers.${layer}.feed_forward.expert_bias`);
      const soft = shares(gate(layer, "logits")).map((share, i) => share + bias[i]);
      return String(best(soft, 4)) !== String(gate(layer, "experts"));
    });
    expect((await fact(page, "softmax-first")).text).toBe(String(other ?? "none"));
    const weight = await read(page, `tr[data-expert="${chosen[0]}"] td:last-child`);
    expect(weight.whole).toBeCloseTo(gate(LAYER, "weights")[0], 4);
    await page.axe();
  });

  it("what an expert was chosen for, and how many were idle", async () => {
    const [expert] = gate(LAYER, "experts");
    await page.visit(place(`show=experts&layer=${LAYER}&expert=${expert}`));
    const by = IDS.map((_, t) => ({ t, place: gate(LAYER, "experts", t).indexOf(expert) })).filter(
      ({ place }) => place >= 0,
    );
    expect((await fact(page, "chosen-by")).text).toBe(String(by.length));
    const most = Math.max(...by.map(({ t, place }) => gate(LAYER, "weights", t)[place]));
    expect((await read(page, ".chosen-for li span[title]")).whole).toBeCloseTo(most, 4);
    const used = new Set(IDS.flatMap((_, t) => gate(LAYER, "experts", t)));
    expect((await fact(page, "idle")).text).toBe(String(32 - used.size));
    await page.axe();
  });

  it("where a head looks", async () => {
    await page.visit(place(`show=attention&layer=${ATTENTION}&head=${HEAD}`));
    const of = (name: string, head: number, token: number): number[] =>
      row(`model.layers.${ATTENTION}.self_attn.${name}`, token).slice(head * 32, (head + 1) * 32);
    const q = of("q_rope", HEAD, TOKEN);
    const scores = IDS.slice(0, TOKEN + 1).map((_, t) => {
      const k = of("k_rope", HEAD >> 1, t);
      return q.reduce((sum, value, i) => sum + value * k[i], 0) / Math.sqrt(32);
    });
    const expected = shares(scores);
    const first = expected.indexOf(Math.max(...expected));
    expect((await read(page, `tr[data-rank="0"][data-token="${first}"] td[title]`)).whole).toBeCloseTo(
      expected[first],
      4,
    );
    await page.axe();
  });

  it("what a convolution mixes, what it remembers, which channels give most", async () => {
    await page.visit(place(`show=convolution&layer=${CONV}`));
    for (const back of [2, 1, 0])
      expect((await fact(page, `gated-${back}`)).whole).toBeCloseTo(norm(gated(CONV, TOKEN - back)), 3);
    expect((await fact(page, "remembered")).text).toContain(`positions ${TOKEN - 1} and ${TOKEN}`);
    const out = row(`model.layers.${CONV}.conv.out_proj.input`);
    const most = out.map(Math.abs).indexOf(Math.max(...out.map(Math.abs)));
    const cell = await read(page, `.numbers-table tbody tr:first-child[data-channel="${most}"] td:last-child`);
    expect(cell.whole).toBeCloseTo(out[most], 4);
    await page.axe();
  });

  it("how long the stream is, from which layer on its next token is certain, what comes next, and where int8 differs", async () => {
    await page.visit(place(`show=stream&layer=${LAYER}`));
    const stream = await read(page, `tr[data-layer="${LAYER}"] td[title]`);
    expect(stream.whole).toBeCloseTo(norm(row(`model.layers.${LAYER}`)), 2);
    const logits = row("lm_head");
    const next = logits.indexOf(Math.max(...logits));
    const exact = await open(undefined, { mode: "exact", contextLength: 32 });
    const hidden = Float32Array.from(Array.from({ length: 24 }, (_, layer) => row(`model.layers.${layer}`)).flat());
    const { data, cols } = await exact.head(hidden);
    await exact.close();
    const likeliest = Array.from({ length: 24 }, (_, i) => {
      const lens = data.subarray(i * cols, (i + 1) * cols);
      return lens.indexOf(Math.max(...lens));
    });
    expect((await fact(page, "settled")).text).toBe(String(likeliest.findLastIndex((id) => id !== next) + 1));
    await page.axe();
    await page.visit(place("show=next"));
    const first = await read(page, `tr[data-rank="0"][data-id="${next}"] td[title]`);
    expect(first.whole).toBeCloseTo(shares(logits)[next], 4);
  });

  it("steps by the arrow keys, and the address follows", async () => {
    await page.visit(place(`show=router&layer=${LAYER}`));
    const found = await page.run(async (hands) => {
      await hands.find("[data-fact=chosen]");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const press = (key: string) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      press("ArrowRight");
      await new Promise((resolve) => setTimeout(resolve, 100));
      press("ArrowDown");
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [location.hash, document.querySelector(".panel-body h2")?.textContent ?? ""];
    }, null);
    expect(found[0]).toContain(`token=${TOKEN + 1}`);
    expect(found[0]).toContain(`layer=${LAYER + 1}`);
    expect(found[1]).toContain(`Layer ${LAYER + 1} chooses`);
  });

  it("shows a trace that is dropped in, and says what is wrong with one that is none", async () => {
    await page.visit(place(`show=router&layer=${LAYER}`));
    const files = ["trace.json", "trace.safetensors"].map((name) =>
      readFileSync(join(folder, "trace", name)).toString("base64"),
    );
    const found = await page.run(
      async (hands, [json, tensors]) => {
        await hands.find("[data-fact=chosen]");
        const drop = async (contents: Record<string, string>) => {
          const transfer = new DataTransfer();
          for (const [name, content] of Object.entries(contents)) {
            transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
          }
          const input = (await hands.find(".file-button input")) as HTMLInputElement;
          input.files = transfer.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        };
        await drop({ "trace.json": json, "trace.safetensors": tensors });
        await hands.find(".hint", "What is shown is a trace of");
        const chosen = (await hands.find("[data-fact=chosen]")).textContent;
        await drop({ "trace.json": btoa('{"format":"lfm2-trace","version":1,"points":"<script>"}') });
        const problem = (await hands.find(".problem")).textContent ?? "";
        return { chosen, problem };
      },
      files as [string, string],
    );
    expect(found.chosen).toBe(gate(LAYER, "experts").join(", "));
    expect(found.problem).toContain("expected a list");
  });
});
