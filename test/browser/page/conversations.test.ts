// Conversations of the page's chat: written to a file and read from one, renamed, deleted and brought back.
import { expect, it } from "vitest";
import { onBuiltPage } from "./built-page.ts";

const INPUT = ".conversations input[type=file]";
const fileOf = (...conversations: readonly object[]): string =>
  JSON.stringify({ format: "lfm2-conversations", version: 1, conversations });
const said = (content: string): object => ({
  title: content,
  system: "",
  turns: [
    { role: "user", content },
    { role: "assistant", content: "Yes." },
  ],
});

onBuiltPage((page) => {
  it("reads a conversation from its own file with tokens, figures and settings", async () => {
    await page.visit("#/chat");
    const found = await page.run(async (hands, input) => {
      await hands.click(".presets button", "greedy");
      await hands.click(".conversations button", "New conversation");
      await hands.fill(".composer textarea", "Hello! Who are you?");
      await hands.click(".send", "Send");
      const figures = (await hands.find(".figures")).textContent;
      const first = await hands.saved(".files button", "Export");
      await hands.click(".conversations button", "New conversation");
      await hands.until(() => document.querySelector(".figures") === null, "an empty conversation");
      await hands.choose(input, { "conversation.json": first });
      const readFigures = (await hands.find(".figures")).textContent;
      const second = await hands.saved(".files button", "Export");
      const used = (await hands.find(".context", "tokens of context")).textContent ?? "";
      await hands.click(".actions button", "Tokens");
      await hands.click(".token", "<think>");
      (await hands.find(".alternatives li:nth-child(2) button")).click();
      await hands.until(() => document.querySelector(".token") === null, "another answer");
      await hands.find(".figures");
      return { figures, readFigures, first, second, used };
    }, INPUT);
    expect(found.readFigures).toBe(found.figures);
    const [first, second] = [found.first, found.second].map((text) => JSON.parse(text).conversations[0]);
    expect(second.turns).toEqual(first.turns);
    expect(first.turns[1].summary.newTokens).toBe(first.turns[1].tokens.length);
    expect(first.turns[1].sampling.temperature).toBe(0);
    expect(found.used).not.toMatch(/^0 of/);
  });

  it("leaves out of a strange file what is not in order, and keeps the rest", async () => {
    await page.visit("#/chat");
    const token = { id: 5, text: "a", logprob: -0.1, top: [] };
    const turns = [
      { role: "user", content: "one" },
      {
        role: "assistant",
        content: "bad ids",
        tokens: [{ ...token, id: -1 }],
        promptIds: ["x"],
        summary: { newTokens: 3 },
      },
      { role: "user", content: "two" },
      { role: "assistant", content: "another model's", tokens: [token], promptIds: [1, 2], model: "\u202Eanother" },
    ];
    const found = await page.run(
      async (hands, [input, file, none]) => {
        await hands.choose(input, { "strange.json": file });
        await hands.find(".turn.assistant .markdown", "another model's");
        const actions = [...document.querySelectorAll(".turn.assistant .actions")].map((one) => one.textContent);
        await hands.click(".actions button", "Tokens");
        const hint = (await hands.find(".token-strip .token")).textContent;
        (await hands.find(".token")).click();
        const says = (await hands.find(".alternatives .hint")).textContent;
        await hands.choose(input, { "none.json": none });
        const problem = (await hands.find(".conversations .problem")).textContent;
        return { actions, hint, says, problem };
      },
      [INPUT, fileOf({ title: "", system: 3, turns }), '{"format":"other"}'] as [string, string, string],
    );
    expect(found.actions).toEqual(["CopyRegenerate", "CopyRegenerateTokens"]);
    expect(found.says).toContain("open the model that wrote it");
    expect(found.problem).toContain("none.json: expected conversations as this page exports them, found another file.");
  });

  it("renames one, not with Escape, deletes one and brings it back", async () => {
    await page.visit("#/chat");
    const found = await page.run(
      async (hands, [input, file]) => {
        await hands.choose(input, { "two.json": file });
        await hands.find(".conversation", "A question");
        await hands.click(".talk-bar button", "Conversations"); // on a small screen
        const titles = () => [...document.querySelectorAll(".conversation")].map((one) => one.textContent).slice(0, 2);
        const rename = async (title: string, key: string) => {
          await hands.click(".conversations li.current .icon[title=Rename]");
          const field = await hands.find(".conversations li input");
          field.focus();
          await hands.fill(".conversations li input", title);
          await hands.press(key);
          await hands.until(() => document.querySelector(".conversations li input") === null, "the field to go");
          return titles();
        };
        const left = await rename("nothing", "Escape");
        const renamed = await rename("Another title", "Enter");
        await hands.click(".conversations li.current .icon[title=Delete]");
        const after = titles();
        await hands.click(".deleted button", "Bring it back");
        return { left, renamed, after, back: titles(), shown: document.querySelector(".said")?.textContent };
      },
      [INPUT, fileOf(said("A question"), said("Another question"))] as [string, string],
    );
    expect(found.left).toEqual(["A question", "Another question"]);
    expect(found.renamed).toEqual(["Another title", "Another question"]);
    expect(found.after[0]).toBe("Another question");
    expect(found.back[0]).toBe("Another title");
    expect(found.shown).toBe("A question");
  });

  it("is as axe would have it, with every kind of turn", async () => {
    await page.visit("#/chat");
    const call = { id: "call_0", type: "function", function: { name: "calculator", arguments: '{"expression": "1"}' } };
    const content = "# Heading\n\n`code`\n\n```\na very wide line\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n> said";
    const turns = [
      { role: "user", content: "Everything" },
      { role: "assistant", content, reasoning: "A thought", calls: [call] },
      { role: "tool", name: "calculator", callId: "call_0", content: '{"result":1}' },
    ];
    const code = await page.run(
      async (hands, [input, file]) => {
        await hands.choose(input, { "all.json": file });
        await hands.find(".code .button", "Copy");
        (await hands.find(".thought summary")).click();
        return document.querySelector(".code pre")?.textContent;
      },
      [INPUT, fileOf({ title: "", system: "", turns })] as [string, string],
    );
    expect(code?.trim()).toBe("a very wide line");
    await page.axe();
    await page.run(async (hands) => {
      await hands.click(".turn.user button", "Edit");
      await hands.find(".editing textarea");
      return null;
    }, null);
    await page.axe();
  });
});
