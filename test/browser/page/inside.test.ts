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

  it("the map of a longer text has the chosen token in it, and says which part it is", async () => {
    const ids = Array.from({ length: 300 }, (_, i) => IDS[i % IDS.length]);
    const found: [string, string, string, number][] = [];
    for (const token of [40, 290]) {
      await page.visit(`#/inside?ids=${ids.join(",")}&token=${token}&show=attention&layer=${ATTENTION}&head=${HEAD}`);
      found.push(
        await page.run(async (hands, token) => {
          const map = (await hands.find("canvas.map")) as HTMLCanvasElement;
          const [from, to] = token === 40 ? [0, 256] : [44, 300];
          const head = document.querySelector("[data-fact=map]")?.textContent ?? "";
          const best = [...document.querySelectorAll<HTMLElement>("tr[data-rank]")].find(
            ({ dataset }) => Number(dataset.token) >= from,
          );
          const share = Number(best?.querySelector<HTMLElement>("td[title]")?.title);
          map.scrollIntoView();
          const box = map.getBoundingClientRect();
          // A whole pixel within the cell, as a mouse has it.
          const place = (start: number, size: number, index: number) =>
            Math.ceil(start + 1 + ((index - from) / (to - from)) * size);
          const mouse = (type: string, row: number, column: number) =>
            map.dispatchEvent(
              new MouseEvent(type, {
                bubbles: true,
                clientX: place(box.left, map.clientWidth, column),
                clientY: place(box.top, map.clientHeight, row),
              }),
            );
          mouse("mousemove", token, Number(best?.dataset.token));
          const pointed = map.title;
          mouse("click", to - 1, from);
          await new Promise((resolve) => setTimeout(resolve, 100));
          return [head, pointed, /token=\d+/.exec(location.hash)?.[0] ?? "", share] as [string, string, string, number];
        }, token),
      );
    }
    expect(found.map(([head]) => head)).toEqual([
      `Map of head ${HEAD}, tokens 0 to 255 of 300`,
      `Map of head ${HEAD}, tokens 44 to 299 of 300`,
    ]);
    for (const [, pointed, , share] of found)
      expect(Number(/: ([\d.]+) %$/.exec(pointed)?.[1])).toBeCloseTo(100 * share, 1);
    expect(found.map(([, , chosen]) => chosen)).toEqual(["token=255", "token=299"]);
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

  it("says where the chat's int8 differs, at a token and over the text, as Node computes it", async () => {
    await page.visit(place("show=next"));
    const found = await page.run(async (hands) => {
      await hands.click("section button", "Compare with int8");
      const here = (await hands.find("[data-fact=int8-kl]")).textContent ?? "";
      await hands.click("section button", "Compare at every token");
      const mean = (await hands.find("[data-fact=int8-mean]")).title;
      return { here, mean: Number(mean), others: (await hands.find("[data-fact=int8-others]")).textContent ?? "" };
    }, null);
    await page.axe();
    const rows = await Promise.all(
      (["exact", "int8"] as const).map(async (mode) => {
        const model = await open(undefined, { mode, contextLength: 32 });
        const { data, cols } = await model.logits(IDS);
        await model.close();
        return IDS.map((_, t) => [...data.subarray(t * cols, (t + 1) * cols)]);
      }),
    );
    const kl = IDS.map((_, t) => {
      const [p, q] = rows.map((run) => shares(run[t]));
      return p.reduce((sum, share, i) => sum + share * Math.log(share / q[i]), 0);
    });
    const likeliest = rows.map((run) => run.map((row) => row.indexOf(Math.max(...row))));
    expect(Number(found.here) / kl[TOKEN]).toBeCloseTo(1, 1);
    expect(found.mean / (kl.reduce((a, b) => a + b) / IDS.length)).toBeCloseTo(1, 4);
    expect(found.others).toBe(String(likeliest[0].filter((id, t) => id !== likeliest[1][t]).length));
  });

  it("steps from the row of tokens and of layers by the arrow keys, with the focus, and one stop of Tab for each", async () => {
    await page.visit(place(`show=router&layer=${LAYER}`));
    const found = await page.run(async (hands) => {
      await hands.find("[data-fact=chosen]");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const stops = (row: string) => document.querySelectorAll(`${row} button:not([tabindex="-1"])`).length;
      const said: string[] = [];
      const named = (name: string) => document.activeElement?.getAttribute(name) ?? "";
      (await hands.find(".look-token[aria-pressed=true]")).focus();
      const before = named("title");
      await hands.press("ArrowRight");
      await hands.until(() => named("title") !== before, "the focus on the next token");
      said.push(named("title"), location.hash);
      (await hands.find(".layer[aria-current]")).focus();
      const layer = named("aria-label");
      await hands.press("ArrowUp");
      await hands.until(() => named("aria-label") !== layer, "the focus on the layer above");
      said.push(named("aria-label"));
      return { said, stops: [stops(".texts"), stops(".layer-column")] };
    }, null);
    expect(found.said[0]).toContain(`position ${TOKEN + 1},`);
    expect(found.said[1]).toContain(`token=${TOKEN + 1}`);
    expect(found.said[2]).toContain(`Layer ${LAYER - 1}:`);
    expect(found.stops).toEqual([1, 1]);
  });

  it("shows a trace that is no number anywhere, and names that turn text around, as they are", async () => {
    const bytes = Buffer.from(readFileSync(join(folder, "trace", "trace.safetensors")));
    const header = 8 + Number(bytes.readBigUInt64LE(0));
    const about = JSON.parse(readFileSync(join(folder, "trace", "trace.json"), "utf8"));
    const tensors = JSON.parse(bytes.subarray(8, header).toString());
    for (const { dtype, data_offsets: range } of Object.values<{ dtype: string; data_offsets?: number[] }>(tensors)) {
      if (dtype !== "F32" || range === undefined) continue;
      for (let at = range[0]; at < range[1]; at += 4)
        bytes.writeFloatLE(at % 8 === 0 ? Number.NaN : -Infinity, header + at);
    }
    about.model.name = "<img src=x onerror=alert(1)>\u202Egnp.fugg";
    delete about.sha256;
    await page.visit(place(`show=router&layer=${LAYER}`));
    const found = await page.run(
      async (hands, [json, tensors]) => {
        const errors: string[] = [];
        addEventListener("error", ({ message }) => errors.push(message));
        await hands.find("[data-fact=chosen]");
        const files = { "trace.json": json, "trace.safetensors": tensors };
        await hands.choose(".file-button input", files, true);
        const origin = (await hands.find(".hint", "What is shown is a trace of")).textContent ?? "";
        const shown: string[] = [];
        for (const name of ["Router", "Experts", "Attention", "Convolution", "Stream and lens", "Next token"]) {
          await hands.click(".tab", name);
          shown.push((await hands.find(".panel-body")).innerText.slice(0, 2000));
        }
        const images = document.querySelectorAll("main img").length;
        const wrong = [...document.querySelectorAll("svg rect")].filter((one) => /NaN|Inf/.test(one.outerHTML)).length;
        return { origin, shown, errors, images, wrong };
      },
      [Buffer.from(JSON.stringify(about)).toString("base64"), bytes.toString("base64")] as [string, string],
    );
    expect(found.origin).toContain("U+202E");
    expect(found.shown[0]).toContain("NaN");
    expect(found.shown.every((text) => text.length > 20)).toBe(true);
    expect([found.errors, found.images, found.wrong]).toEqual([[], 0, 0]);
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
