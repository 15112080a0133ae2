// A turn with tools: every call gets a result that the model reads, whoever stops it and whenever.
import { describe, expect, it } from "vitest";
import type { Summary } from "../../src/api/language-model.ts";
import type { ChatDelta, ToolCallDelta } from "../../src/chat/answer-parser.ts";
import { resultOfProblems } from "../../src/conversation/call-results.ts";
import { createConversation } from "../../src/conversation/conversation.ts";
import { MAX_ROUNDS, takeTurn } from "../../src/conversation/turn.ts";

type Finish = Summary["finishReason"];
type Answer = readonly [deltas: readonly ChatDelta[], finish: Finish | Error];

const call = (id: string): ToolCallDelta => ({
  index: 0,
  id,
  type: "function",
  function: { name: `tool_${id}`, arguments: "{}" },
});
const calling = (...ids: string[]): Answer => [ids.map((id) => ({ tool_calls: [call(id)] })), "tool_calls"];
const saying = (content: string, finish: Finish | Error = "stop"): Answer => [[{ content }], finish];

/** Gives `answers` one after another, the last one for ever; remembers what it was asked with. */
function scripted(answers: readonly Answer[]) {
  const asked: unknown[] = [];
  const chat: Parameters<typeof takeTurn>[0]["model"]["chat"] = async function* (messages, options) {
    asked.push({ roles: messages.map(({ role }) => role), temperature: options?.temperature });
    const [deltas, finish] = answers[Math.min(asked.length, answers.length) - 1];
    for (const delta of deltas) {
      options?.signal?.throwIfAborted();
      yield delta;
    }
    options?.signal?.throwIfAborted();
    if (finish instanceof Error) throw finish;
    const counts = {
      promptTokens: 1,
      cachedTokens: 0,
      newTokens: 1,
      guessedTokens: 0,
      acceptedTokens: 0,
      prefillMs: 0,
      decodeMs: 0,
    };
    options?.onFinish?.({ ...counts, finishReason: finish });
  };
  return { asked, chat };
}

function turnOf(
  answers: readonly Answer[],
  resultOf: ((called: ToolCallDelta) => Promise<string | undefined>) | undefined,
) {
  const resultsOf =
    resultOf &&
    async function* (calls: readonly ToolCallDelta[]) {
      for (const called of calls) {
        const result = await resultOf(called);
        if (result === undefined) return;
        yield result;
      }
    };
  const conversation = createConversation("Be brief.");
  conversation.ask("Hello!");
  const model = scripted(answers);
  const controller = new AbortController();
  const seen: ChatDelta[] = [];
  let ends = 0;
  const summaries: Finish[] = [];
  const parts = {
    model,
    conversation,
    options: { temperature: 0.5 },
    resultsOf,
    interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => work(controller.signal),
    sinks: () => [
      {
        push: (delta: ChatDelta) => void seen.push(delta),
        end: () => {
          ends++;
        },
      },
    ],
    onAnswer: ({ finishReason }: Summary) => void summaries.push(finishReason),
  };
  const told = () => conversation.messages.slice(2).map(({ role, content }) => `${role}: ${content}`);
  return { parts, model, conversation, controller, seen, summaries, told, ends: () => ends };
}

describe("a turn", () => {
  it("is one answer where no tool is called", async () => {
    const turn = turnOf([saying("Hi.")], undefined);
    expect(await takeTurn(turn.parts)).toBe("done");
    expect(turn.told()).toEqual(["assistant: Hi."]);
    expect([turn.seen, turn.ends(), turn.summaries]).toEqual([[{ content: "Hi." }], 1, ["stop"]]);
    expect(turn.model.asked).toEqual([{ roles: ["system", "user"], temperature: 0.5 }]);
  });

  it("goes on while tools are called, each answer reading the results before it", async () => {
    const turn = turnOf([calling("a", "b"), calling("c"), saying("Done.")], async ({ id }) => `result ${id}`);
    expect(await takeTurn(turn.parts)).toBe("done");
    const results = ["tool: result a", "tool: result b", "assistant: ", "tool: result c", "assistant: Done."];
    expect(turn.told()).toEqual(["assistant: ", ...results]);
    expect(turn.conversation.messages[3]).toMatchObject({ tool_call_id: "a", name: "tool_a" });
    expect(turn.model.asked).toHaveLength(3);
    expect(turn.model.asked[1]).toMatchObject({ roles: ["system", "user", "assistant", "tool", "tool"] });
    expect(turn.ends()).toBe(3);
  });

  it("ends when the same is called over and over", async () => {
    const turn = turnOf([calling("a")], async () => "again");
    expect(await takeTurn(turn.parts)).toBe("too many rounds");
    expect(turn.model.asked).toHaveLength(MAX_ROUNDS + 1);
    expect(turn.told().at(-1)).toBe("tool: error: not run, too many calls in a row");
  });
});

describe("calls that nobody runs have a result all the same", () => {
  it("where there is nobody", async () => {
    const turn = turnOf([calling("a", "b")], undefined);
    expect(await takeTurn(turn.parts)).toBe("done");
    const left = "tool: error: not run, nobody to run it";
    expect(turn.told()).toEqual(["assistant: ", left, left]);
  });

  it("where the answer was cut behind them", async () => {
    const [deltas] = calling("a");
    const turn = turnOf([[deltas, "length"]], async () => "never");
    expect(await takeTurn(turn.parts)).toBe("done");
    expect(turn.told()).toEqual(["assistant: ", "tool: error: not run, the answer was cut"]);
  });

  it("where there are no more results", async () => {
    const turn = turnOf([calling("a", "b", "c")], async ({ id }) => (id === "a" ? "result" : undefined));
    expect(await takeTurn(turn.parts)).toBe("done");
    const left = "tool: error: not run, stopped by the user";
    expect(turn.told()).toEqual(["assistant: ", "tool: result", left, left]);
  });

  it("where running one fails", async () => {
    const turn = turnOf([calling("a", "b")], async () => Promise.reject(new Error("no")));
    await expect(takeTurn(turn.parts)).rejects.toThrow("no");
    const left = "tool: error: not run, stopped by the user";
    expect(turn.told()).toEqual(["assistant: ", left, left]);
  });

  it("where somebody stops the answer; what was said until then is kept", async () => {
    const turn = turnOf([[[{ content: "So" }, ...calling("a")[0], { content: "far" }], "stop"]], async () => "never");
    const push = (delta: ChatDelta): void => {
      if (delta.tool_calls !== undefined) turn.controller.abort(new Error("enough"));
    };
    await expect(takeTurn({ ...turn.parts, sinks: () => [{ push }] })).rejects.toThrow("enough");
    expect(turn.told()).toEqual(["assistant: So", "tool: error: not run, stopped by the user"]);
    expect(turn.summaries).toEqual([]);
  });
});

it("an answer that fails by itself is not kept", async () => {
  const turn = turnOf([saying("So far", new Error("lost"))], undefined);
  await expect(takeTurn(turn.parts)).rejects.toThrow("lost");
  expect([turn.told(), turn.ends()]).toEqual([[], 1]);
});

it("a call with problems is answered with them", () => {
  const problems = [
    { path: "arguments.city", expected: "a string", found: "5" },
    { path: "", expected: "a name", found: "none" },
  ];
  const told = "error: arguments.city: expected a string, found 5.\nthe call: expected a name, found none.";
  expect(resultOfProblems({ ...call("a"), problems } as ToolCallDelta)).toBe(told);
  expect(resultOfProblems(call("a"))).toBeUndefined();
});
