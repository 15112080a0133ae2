import { expect, it } from "vitest";
import { PromptLengthError, roomForAnswer } from "../../src/chat/context.ts";

it("roomForAnswer is what the prompt leaves of the context", () => {
  expect(roomForAnswer(96, 4096)).toBe(4000);
  expect(roomForAnswer(4095, 4096)).toBe(1);
});

it("roomForAnswer refuses a prompt that leaves too little", () => {
  expect(() => roomForAnswer(4096, 4096)).toThrow(PromptLengthError);
  expect(() => roomForAnswer(4000, 4096, 100)).toThrow(
    "Prompt: expected at most 3996 tokens (a context of 4096, 100 of it for the answer), found 4000. Shorten it, leave the " +
      "oldest messages out, or open the model with a longer context.",
  );
});
