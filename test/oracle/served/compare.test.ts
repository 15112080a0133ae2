// `lfm2 compare` and `lfm2 golden check` of servers, which answer from what transformers has computed.
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { askLogprobs } from "../../../src/oracle/served/ask-logprobs.ts";
import { openServer } from "../../../src/oracle/served/completions-server.ts";
import { servedRun } from "../../../src/oracle/served/served-run.ts";
import { golden, lfm2 } from "../../cli/lfm2.ts";
import { goldenTensors } from "../../model/run.ts";
import { type Answer, type Form, type Planted, type Serving, serveCompletions } from "./completions.ts";

const MODEL = `${golden}transformers/moe-small`;
let ids: number[];
let rows: Float32Array[];
let serving: Serving | undefined;

beforeAll(async () => {
  const tensors = await goldenTensors("transformers/moe-small/len17.safetensors");
  ids = Array.from(tensors.get("input_ids")?.data as Int32Array, Number);
  const logits = tensors.get("logits") as { shape: number[]; data: Float32Array };
  const vocab = logits.data.length / ids.length;
  rows = ids.map((_, t) => logits.data.subarray(t * vocab, (t + 1) * vocab));
});
afterEach(async () => {
  await serving?.close();
  serving = undefined;
});

async function serve(form: Form, planted: Partial<Planted> = {}): Promise<string> {
  serving = await serveCompletions({ form, logitsOf: (prompt) => rows.slice(0, prompt.length), ...planted });
  return serving.address;
}

const compare = (address: string, ...flags: string[]) =>
  lfm2(["compare", "-m", MODEL, address, "--ids", ids.join(), ...flags]);

describe("lfm2 compare of a server", () => {
  const forms: [Form, number, RegExp][] = [
    [
      "vLLM",
      1,
      /B: a server, asked for prompt_logprobs: 20 to 21 of \d+ ids at each of 17 positions, \d+ % of the probability\.\n/,
    ],
    ["OpenAI", 3, /B: a server, asked for an echo with log-probabilities: /],
    ["llama.cpp", 20, /B: a server, asked for one token after each prefix: 20 of \d+ ids /],
  ];
  it.each(forms)(
    "finds transformers' numbers equal, in %s's form, and says what was not seen",
    async (form, requests, said) => {
      const address = await serve(form);
      const { code, stdout } = await compare(address);
      expect([code, stdout]).toEqual([0, expect.stringMatching(said)]);
      expect(stdout).toMatch(/\nEqual within tolerance at every point that could be seen; /);
      expect(stdout).toMatch(/\nNot seen: the other ids, every layer, /);
      expect(serving?.asked).toHaveLength(requests);
      expect(serving?.asked.every(({ model }) => model === "their-model")).toBe(true);
    },
  );

  it("says from which token on another model answers", async () => {
    const address = await serve("vLLM", {
      logitsOf: (prompt) =>
        rows.slice(0, prompt.length).map((row, t) => (t < 9 ? row : row.map((x, i) => x + (i % 3) / 100))),
    });
    const { code, stdout } = await compare(address);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nDifferent: cause not known\.\nThey part at lm_head\.logprobs \(point 1 of 1\), from token 9 on, at 8 of 17/,
    );
    expect(stdout).toContain("a server tells of log-probabilities alone");
    const json = JSON.parse((await compare(address, "--json")).stdout);
    expect([json.verdict, json.b.unseen]).toEqual(["different", expect.stringContaining("every layer")]);
  });

  it("against a recording instead of a model", async () => {
    const address = await serve("vLLM");
    const recording = `${MODEL}/len17.safetensors`;
    expect(await lfm2(["compare", recording, address])).toMatchObject({ code: 0 });
  });

  const spoilt: [string, (answer: Answer) => unknown, RegExp][] = [
    [
      "NaN as Python writes it",
      (answer) => JSON.stringify(answer).replace(/"logprob":-?[\d.e-]+/, '"logprob":NaN'),
      /expected JSON, whose numbers are finite, found NaN\. A recording/,
    ],
    [
      "null for a number",
      (answer) => JSON.parse(JSON.stringify(answer).replace(/"logprob":-?[\d.e-]+/, '"logprob":null')),
      /prompt_logprobs\[1\]\[\\?"\d+\\?"\]: expected a log-probability: a number, at most 0, found null\. Ask/,
    ],
    [
      "a probability",
      (answer) => JSON.parse(JSON.stringify(answer).replace(/"logprob":-?[\d.e-]+/, '"logprob":0.9')),
      /found 0\.9\./,
    ],
    [
      "an id beyond the vocabulary",
      (answer) => JSON.parse(JSON.stringify(answer).replace(/"\d+":{"logprob"/, '"99999":{"logprob"')),
      /expected an id below \d+, as many as the model has, found 99999\. Serve the same model\./,
    ],
    [
      "one position too few",
      (answer) => {
        answer.choices[0].prompt_logprobs.pop();
        return answer;
      },
      /expected 17 entries, as many as ids were sent and asked for, found 16\. The server changes prompts/,
    ],
    [
      "a token before the ids",
      (answer) => {
        answer.usage.prompt_tokens++;
        return answer;
      },
      /usage\.prompt_tokens: expected 17, as many as ids were sent, found 18\. /,
    ],
    [
      "lists of other lengths",
      (answer) => {
        answer.choices[0].logprobs.token_logprobs.pop();
        return answer;
      },
      /token_logprobs: expected a list of 18/,
    ],
    ["no choice", (answer) => ({ ...answer, choices: [] }), /choices: expected a list of one, found \[\]/],
    ["a list", () => [], /expected an object, found/],
    ["other text", () => "<html>", /expected JSON, whose numbers are finite, found \\?"<html>/],
    ["nesting without end", () => "[".repeat(100_000), /expected JSON at most 64 deep/],
  ];
  it.each(spoilt)("refuses %s", async (_, spoil, said) => {
    const server = await openServer(await serve("vLLM", { spoil }));
    const asked = servedRun(
      askLogprobs(server, rows[0].length, () => undefined),
      ids,
      rows[0].length,
    );
    await expect(asked).rejects.toThrow(said);
  });

  const lists: [string, unknown, RegExp][] = [
    [
      "a long name",
      { data: [{ id: "x".repeat(257) }] },
      /data\[0\]\.id: expected a model's name of at most 256 characters, found 257\. Serve/,
    ],
    [
      "much text",
      { data: [{ id: "x".repeat(1 << 20) }] },
      /\/models: expected at most 1048576 bytes in an answer, found more\. Serve/,
    ],
    ["nesting", "[".repeat(1 << 20), /\/models, answer: expected JSON at most 64 deep, found deeper nesting\. Serve/],
  ];
  it.each(lists)("refuses %s in a list of models", async (_, models, said) => {
    await expect(openServer(await serve("vLLM", { models }))).rejects.toThrow(said);
  });

  it("asks without a name where the list of models is a page", async () => {
    const server = await openServer(await serve("vLLM", { models: "<html>" }));
    await server.ask({ prompt: ids, logprobs: 1 });
    expect(serving?.asked[0]).not.toHaveProperty("model");
  });

  it("shows a server's text without what moves a cursor or turns its order", async () => {
    const server = await openServer(await serve("vLLM", { spoil: () => "\x1b[2J\x9b2J\u202eabc\u2066" }));
    await expect(server.ask({ prompt: ids, logprobs: 1 })).rejects.toThrow(
      /found "\\u001b\[2J\\u009b2J\\u202eabc\\u2066"\./,
    );
  });

  it.each(["sec\r\nret", "sec€ret"])("shows no key that a header cannot carry", async (apiKey) => {
    const error = await openServer("http://127.0.0.1:1/v1/completions", { apiKey }).catch(String);
    expect(error).toMatch(/--server-key or LFM2_SERVER_KEY: expected .* found others in it\. Copy the key again/);
    expect(error).not.toMatch(/sec|ret/);
  });

  it("refuses what is no such address, and says what a server that is not there is", async () => {
    const nowhere = await lfm2(["compare", "-m", MODEL, "http://127.0.0.1:1/v1/completions", "--ids", "1,2"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringMatching(/expected an answer, found fetch failed: .* Start the server/),
    ]);
    for (const path of ["/v1", "/v1/chat/completions"]) {
      const { code, stderr } = await lfm2(["compare", "-m", MODEL, `http://127.0.0.1:1${path}`, "--ids", "1,2"]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("expected an address that ends in /v1/completions")]);
    }
    const without = await lfm2(["compare", "-m", MODEL, "http://127.0.0.1:1/v1/completions"]);
    expect([without.code, without.stderr]).toEqual([
      2,
      expect.stringContaining("expected --ids beside it, found none"),
    ]);
  });

  it("sends a key where it is given one", async () => {
    const address = await serve("llama.cpp", { apiKey: "secret" });
    const refused = await compare(address);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/found HTTP 401 .* Name its key with --server-key\./),
    ]);
    expect((await compare(address, "--server-key", "secret")).code).toBe(0);
  });
});
