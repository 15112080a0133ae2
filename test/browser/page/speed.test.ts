// The bench of the page: figures that a machine can have, of the engine that is there, labelled and copied as text.
import { expect, it } from "vitest";
import { onBuiltPage } from "./built-page.ts";

onBuiltPage((page) => {
  it("measures the model that is loaded, beside what memory gives, and says where", async () => {
    await page.visit("#/speed?prefill=48&decode=12&rounds=2");
    const found = await page.run(async (hands) => {
      await hands.click(".speed .button.primary");
      await hands.find(".speed .opening button", "Stop");
      await hands.find("[data-fact=report]", "2 rounds");
      await hands.until(() => document.querySelector(".speed .opening") === null, "the end");
      const numberOf = (fact: string) => Number(document.querySelector<HTMLElement>(`[data-fact="${fact}"]`)?.title);
      const textOf = (fact: string) => document.querySelector(`[data-fact="${fact}"]`)?.textContent ?? "";
      return {
        speeds: [numberOf("prefill"), numberOf("decode")],
        share: numberOf("share"),
        bytesPerSecond: numberOf("read-limit"),
        report: textOf("report"),
        kernels: textOf("kernels"),
        threads: textOf("threads"),
        canShare: crossOriginIsolated && typeof SharedArrayBuffer !== "undefined",
      };
    }, null);
    for (const speed of found.speeds) expect(speed).toBeGreaterThan(0);
    expect(found.bytesPerSecond).toBeGreaterThan(1e8);
    expect(found.bytesPerSecond).toBeLessThan(1e13);
    expect(found.share).toBeGreaterThan(0);
    const own = { Chromium: /Chrom/, Firefox: /Firefox \d/, "WebKitGTK as it comes": /WebKit/ }[page.engine] as RegExp;
    const [head] = found.report.split("\n");
    expect(head).toMatch(/^lfm2-nano, embedded, Q4_0 and .*, 6\.66 MB\./);
    expect(head).toMatch(own);
    expect(head).toMatch(/hardware threads?.*dot product: /);
    const table = found.report.split("\n").filter((line) => line.startsWith("| "));
    const rows = table.map((line) => line.split("|").map((cell) => cell.trim()));
    expect(rows.slice(2).map((cells) => cells[5])).toEqual(["prefill 48", "decode 12"]);
    // Webkit's Linux build shares no memory, and has no relaxed SIMD.
    expect(found.canShare).toBe(page.engine !== "WebKitGTK as it comes");
    const [kernels, threads] = [rows[2][2], Number(rows[2][3])];
    if (!found.canShare) {
      expect([kernels, threads]).toEqual(["baseline", 1]);
      expect(found.threads).toMatch(/^1: /);
    } else expect(kernels).toMatch(/^relaxed/);
    expect(found.kernels).toContain(`${kernels} SIMD`);
    expect(found.report).toMatch(/Read limit, measured beside every decode: .* GB\/s on \d+ thread/);
    await page.axe();
  });

  it("stops when it is told to, and keeps what it has found until then", async () => {
    await page.visit("#/speed?prefill=16&decode=4&rounds=20");
    const found = await page.run(async (hands) => {
      await hands.click(".speed .button.primary");
      await hands.find("[data-fact=decode]");
      await hands.click(".speed .opening button", "Stop");
      const report = document.querySelector("[data-fact=report]")?.textContent ?? "";
      await new Promise((resolve) => setTimeout(resolve, 500));
      return {
        report,
        isUnchanged: report === document.querySelector("[data-fact=report]")?.textContent,
        isIdle: document.querySelector(".speed .opening") === null,
        mayBegin: document.querySelector<HTMLButtonElement>(".speed .button.primary")?.disabled === false,
      };
    }, null);
    expect(found.report).toContain("Stopped before its end: these are the figures until then.");
    expect([found.isUnchanged, found.isIdle, found.mayBegin]).toEqual([true, true, true]);
  });

  it("takes what an address asks for within bounds, and is written into it", async () => {
    await page.visit("#/speed?prefill=99999&decode=-3&rounds=0");
    const found = await page.run(async (hands) => {
      await hands.find(".edit-form input");
      const values = () => [...document.querySelectorAll<HTMLInputElement>(".edit-form input")].map((e) => e.value);
      const stated = values();
      await hands.fill(".edit-form input", "64");
      return { stated, hash: location.hash };
    }, null);
    expect(found.stated).toEqual(["4096", "64", "1"]);
    expect(found.hash).toContain("prefill=64");
  });
});
