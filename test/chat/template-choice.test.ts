import { describe, expect, it } from "vitest";
import { chooseTemplate } from "../../src/chat/template-choice.ts";

describe("chooseTemplate, as transformers 5.18's get_chat_template", () => {
  const both = {
    chatTemplate: "d",
    namedTemplates: new Map([
      ["tool_use", "t"],
      ["rag", "r"],
    ]),
  };
  it.each([
    ["the only one", { chatTemplate: "d" }, true, "d"],
    ["none", { chatTemplate: undefined }, true, undefined],
    ["tool_use with tools", both, true, "t"],
    ["the default without tools", both, false, "d"],
    [
      "the default with tools, where no other is for them",
      { ...both, namedTemplates: new Map([["rag", "r"]]) },
      true,
      "d",
    ],
    ["tool_use alone, with tools", { ...both, chatTemplate: undefined }, true, "t"],
  ])("%s", (_, templates, hasTools, expected) => {
    expect(chooseTemplate(templates, hasTools)).toBe(expected);
  });

  it("lists the names where none of them will do", () => {
    expect(() => chooseTemplate({ ...both, chatTemplate: undefined }, false)).toThrow(
      'Chat template: expected one called "default", found tool_use, rag. Name one of them so in the model\'s files.',
    );
  });
});
