// What the comparison with other engines stands on: the site that serves them, the install that may fail, the table.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortPrompts } from "../../src/bench/peers/peer.ts";
import { installPeer } from "../../src/bench/peers/peer-packages.ts";
import type { PeersRun } from "../../src/bench/peers/peers.ts";
import { readRequests, reportPeers } from "../../src/bench/peers/peers-report.ts";
import { sideBySide } from "../../src/bench/peers/side-by-side.ts";
import { serveSite } from "../../src/bench/peers/site.ts";
import { machineFacts } from "../../src/bench/product/machine.ts";
import { spreadOf } from "../../src/bench/product/statistics.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-peers-test-"));
  writeFileSync(join(folder, "a.js"), "0123456789");
  writeFileSync(join(folder, "page.html"), "<p>");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the site", () => {
  it("isolates its pages, sends files whole and by range, and nothing else", async () => {
    const content = {
      files: { "/model.gguf": join(folder, "a.js"), "/page": join(folder, "page.html") },
      folders: { dist: folder },
    };
    const site = await serveSite(content);
    try {
      const get = (path: string, range?: string) => fetch(site.url + path, { headers: range ? { Range: range } : {} });
      const page = await get("page");
      expect(await page.text()).toBe("<p>");
      expect(page.headers.get("Content-Type")).toBe("text/html");
      expect(page.headers.get("Cross-Origin-Embedder-Policy")).toBe("require-corp");
      expect(page.headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");

      const whole = await get("dist/a.js");
      expect([whole.status, whole.headers.get("Content-Type"), await whole.text()]).toEqual([
        200,
        "text/javascript",
        "0123456789",
      ]);
      const part = await get("model.gguf", "bytes=2-4");
      expect([part.status, part.headers.get("Content-Range"), await part.text()]).toEqual([206, "bytes 2-4/10", "234"]);
      expect(await (await get("model.gguf", "bytes=7-")).text()).toBe("789");
      for (const path of ["", "dist", "dist/", "dist/b.js", "other/a.js", "dist/..%2f..%2fetc/passwd"]) {
        expect((await get(path)).status, path).toBe(404);
      }
    } finally {
      await site.close();
    }
  });
});

describe("a peer that cannot be installed", () => {
  it("is an error with what npm said", async () => {
    const npm = process.env.npm_execpath;
    const fake = join(folder, "npm.js");
    writeFileSync(fake, 'console.error("npm error network is down"); process.exit(1);');
    process.env.npm_execpath = fake;
    try {
      await expect(installPeer("@wllama/wllama", folder)).rejects.toThrow(/@wllama\/wllama@3\.8\.1: npm error network/);
    } finally {
      if (npm === undefined) delete process.env.npm_execpath;
      else process.env.npm_execpath = npm;
    }
  });
});

describe("what is compared", () => {
  it("is every combination of files, threads, modes and builds", async () => {
    const args = ["a.gguf", "b.gguf", "-t", "1,2", "--mode", "int8,exact", "--kernels", "baseline,relaxed", "-p", "64"];
    const { requests, json } = await readRequests([...args, "--only", "native", "--json"]);
    expect(json).toBe(true);
    const told = requests.map(({ path, threads, mode, kernels }) => [path, threads, mode, kernels].join(" "));
    expect(new Set(told).size).toBe(16);
    expect(told).toContain("b.gguf 1 exact baseline");
    expect(requests.every(({ prefill, surroundings }) => prefill === 64 && surroundings.join() === "native")).toBe(
      true,
    );
  });

  it.each([
    [["-t", "1,"], "--threads: expected an integer of at least 1, found nothing."],
    [["-p", "1,2"], "--prefill: expected one number, found 1,2."],
    [["--mode", "fast"], "--mode: expected int8 or exact, found fast."],
    [["--only", "moon"], "--only: expected native or browser, found moon."],
  ])("%s is refused", async (args, message) => {
    await expect(readRequests(args)).rejects.toThrow(new TypeError(message));
  });
});

it("sequences that write side by side count while all of them do", () => {
  const { rate, gaps } = sideBySide([
    [0, 10, 20, 30, 40],
    [15, 25, 35, 45],
  ]);
  expect(gaps).toEqual([10, 10, 10]);
  expect(rate).toBe((5 / 25) * 1000);
  expect(shortPrompts({ ids: [1, 2, 3], text: "", newTokens: 1, sequences: 2 })).toEqual([
    [1, 2, 3],
    [2, 3, 1],
  ]);
});

describe("the table of peers", () => {
  it("has both engines, their ratio, and what was left out", () => {
    const figures = (name: string, prefill: number, decode: number, peakBytes: number | undefined) => ({
      name,
      prefill: spreadOf([prefill]),
      decode: spreadOf([decode]),
      peakBytes,
    });
    const lengths = { prefill: 512, decode: 48, sequences: 1, rounds: 1, surroundings: ["native"] as const, folder };
    const run: PeersRun = {
      kind: "lfm2 bench peers",
      date: "",
      machine: machineFacts(),
      request: { path: "models/a.gguf", threads: 2, mode: "exact", kernels: "baseline", ...lengths },
      comparisons: [
        {
          ours: figures("ours", 120, 45, 5e9),
          theirs: figures("theirs", 88, 30, 9.35e9),
          prefillRatio: spreadOf([120 / 88]),
          decodeRatio: spreadOf([1.5]),
        },
      ],
      notes: ["browser: no Chromium"],
    };
    const report = reportPeers([run, { ...run, comparisons: [], notes: [] }]);
    const cells = ["a.gguf", "2 threads, exact, baseline", "theirs", "120", "88.0", "1.36", "45.0", "30.0", "1.50"];
    expect(
      report
        .split("\n")[4]
        .split("|")
        .map((cell) => cell.trim()),
    ).toEqual(["", ...cells, "5.00 GB / 9.35 GB", ""]);
    expect(report).toContain("Left out: a.gguf, 2 threads, exact, baseline: browser: no Chromium");
    expect(reportPeers([{ ...run, comparisons: [] }])).not.toContain("|");
    const [comparison] = run.comparisons;
    const many = {
      ...comparison,
      ours: { ...comparison.ours, together: spreadOf([70]), gaps: { p50: 114, p95: 130 } },
      theirs: { ...comparison.theirs, together: spreadOf([50]), gaps: { p50: 160, p95: 161 } },
      togetherRatio: spreadOf([1.4]),
    };
    const request = { ...run.request, sequences: 8 };
    expect(reportPeers([{ ...run, request, comparisons: [many] }])).toMatch(
      /8 at once \|[^\n]*\n[^\n]*\n[^\n]* 70\.0 \| +50\.0 \| +1\.40 \| +114–130 \/ 160–161 \|/,
    );
  });
});
