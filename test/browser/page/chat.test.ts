// The page's chat, as a reader uses it.
import { expect, it } from "vitest";
import { onBuiltPage } from "./built-page.ts";

onBuiltPage((page) => {
  it("answers, folds the thought, tells its speed, and keeps the conversation over a reload", async () => {
    await page.visit("#/chat");
    const said = await page.run(async (hands) => {
      await hands.click(".presets button", "greedy");
      await hands.click(".examples button", "Hello! Who are you?");
      const figures = (await hands.find(".figures")).textContent ?? "";
      const thought = document.querySelector<HTMLDetailsElement>(".thought");
      return { text: document.querySelector(".markdown")?.textContent ?? "", figures, open: thought?.open ?? true };
    }, null);
    expect(said.text.trim()).toBe("I am lfm2-nano, a tiny language model.");
    expect(said.figures).toMatch(/^prompt \d+ at [\d.]+ tok\/sanswer \d+ at [\d.]+ tok\/s$/);
    expect(said.open).toBe(false);
    await page.axe();
    await page.visit("#/chat");
    const kept = await page.run(
      async (hands) => (await hands.find(".turns .markdown", "I am lfm2-nano")).textContent,
      null,
    );
    expect(kept).toContain("tiny language model");
  });

  it("stops, edits what was asked, and asks again", async () => {
    await page.visit("#/chat");
    const found = await page.run(async (hands) => {
      await hands.click(".conversations button", "New conversation");
      await hands.fill(".composer textarea", "Tell me a story about a fox.");
      await hands.click(".send", "Send");
      await hands.find(".turn.assistant");
      await hands.click(".send", "Stop");
      const stopped = (await hands.find(".turn.assistant .hint", "Stopped.")).textContent;
      await hands.click(".turn.user button", "Edit");
      await hands.fill(".editing textarea", "Which city is the capital of Poland?");
      await hands.click(".editing button", "Ask again");
      await hands.find(".figures");
      const turns = document.querySelectorAll(".turn").length;
      return { stopped, turns, text: document.querySelector(".turn.assistant .markdown")?.textContent ?? "" };
    }, null);
    expect(found).toEqual({ stopped: "Stopped.", turns: 2, text: expect.stringContaining("Warsaw") });
  });

  it("lets the model call a tool, and gives it the result", async () => {
    await page.visit("#/chat");
    const found = await page.run(async (hands) => {
      await hands.click(".conversations button", "New conversation");
      (await hands.find(".check input")).click();
      await hands.fill(".composer textarea", "Use the calculator: 17 * 23");
      await hands.click(".send", "Send");
      const call = (await hands.find(".call")).textContent ?? "";
      const result = (await hands.find(".turn.tool pre")).textContent ?? "";
      await hands.until(() => document.querySelectorAll(".figures").length === 2, "the second answer");
      (await hands.find(".check input")).click();
      return {
        call,
        result,
        text: [...document.querySelectorAll(".turn.assistant .markdown")].at(-1)?.textContent ?? "",
      };
    }, null);
    expect(found.call).toMatch(/^calls calculator\{"expression": ?"17 \* 23"\}$/);
    expect(found.result).toBe('{"result":391}');
    expect(found.text).toContain("391");
  });

  it("goes on from another token", async () => {
    await page.visit("#/chat");
    const found = await page.run(async (hands) => {
      await hands.click(".conversations button", "New conversation");
      await hands.fill(".composer textarea", "Hello! Who are you?");
      await hands.click(".send", "Send");
      await hands.find(".figures");
      await hands.click(".actions button", "Tokens");
      await hands.click(".token", "<think>");
      const other = await hands.find(".alternatives li:nth-child(2) button");
      const text = other.querySelector(".token-text")?.textContent ?? "";
      other.click();
      await hands.until(() => document.querySelector(".token") === null, "another answer");
      await hands.find(".figures");
      await hands.click(".actions button", "Tokens");
      return { text, tokens: [...document.querySelectorAll(".token")].map((token) => token.textContent) };
    }, null);
    expect(found.text).not.toBe("<think>");
    expect(found.tokens[0]).toBe(found.text);
    expect(found.tokens.length).toBeGreaterThan(1);
  });

  it("shows hostile text and runs nothing of it", async () => {
    await page.visit("#/chat");
    const hostile = [
      "<script>globalThis.ran = 1</script><img src=x onerror='globalThis.ran = 2'><iframe srcdoc='<script>parent.ran=3</script>'></iframe>",
      "[here](javascript:globalThis.ran=4) ![p](https://example.invalid/p.png) <a href='data:text/html,x'>d</a> <form action='https://example.invalid'><input name=a></form>",
      "\u202Egnp.exe\u202C <style>body{display:none}</style> <svg onload='globalThis.ran=5'></svg> <math><mtext></mtext></math>",
      "> ".repeat(3000) + "deep",
    ];
    const found = await page.run(async (hands, texts) => {
      const turns = texts.flatMap((content) => [
        { role: "user", content },
        { role: "assistant", content, reasoning: content },
      ]);
      const file = new File(
        [
          JSON.stringify({
            format: "lfm2-conversations",
            version: 1,
            conversations: [{ title: texts[0], system: "", turns }],
          }),
        ],
        "hostile.json",
      );
      const transfer = new DataTransfer();
      transfer.items.add(file);
      const input = (await hands.find(".conversations input[type=file]")) as HTMLInputElement;
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      await hands.find(".turn.user .said", "<script>");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const inside = document.querySelector(".turns") as HTMLElement;
      return {
        ran: (globalThis as { ran?: number }).ran ?? 0,
        elements: [...inside.querySelectorAll("script, img, iframe, form, input, style, svg, math")].length,
        links: [...inside.querySelectorAll("a[href]")].map((a) => a.getAttribute("href") ?? ""),
        requests: performance
          .getEntriesByType("resource")
          .filter(({ name }) => !name.startsWith(location.origin) && !name.startsWith("blob:")).length,
        visible: getComputedStyle(document.body).display,
      };
    }, hostile);
    expect(found).toEqual({ ran: 0, elements: 0, links: [], requests: 0, visible: "block" });
  });

  it("opens and answers without a network once it was open", async () => {
    await page.visit("#/chat");
    const keeps = await page.run(async () => {
      if (!("serviceWorker" in navigator)) return false;
      return Promise.race([
        navigator.serviceWorker.ready.then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 20_000)),
      ]);
    }, null);
    expect(keeps).toBe(true);
    await page.cut();
    await page.visit("#/chat");
    const text = await page.run(async (hands) => {
      await hands.click(".conversations button", "New conversation");
      await hands.fill(".composer textarea", "Hello! Who are you?");
      await hands.click(".send", "Send");
      await hands.find(".figures");
      return document.querySelector(".markdown")?.textContent ?? "";
    }, null);
    expect(text).toContain("lfm2-nano");
  });
});
