// Where answers end, how many there are, and what is told of their tokens.
import { describe, expect, it } from "vitest";
import { lfm2 } from "./lfm2.ts";

const run = (...args: string[]) => lfm2(["run", "-p", "Hello!", ...args]);

describe("lfm2 run", () => {
  it("ends the answer before a --stop text, of several the first, and says so", async () => {
    const { stdout, stderr } = await run("--greedy", "--stop", "help", "--stop", "How can", "--stop", "English");
    expect(stdout).toBe("Hello! \n");
    expect(stderr).toMatch(/ · stopped at "How can"\n$/);
    const { finishReason, stopped } = JSON.parse((await run("--greedy", "--stop", "help", "--json")).stdout);
    expect([finishReason, stopped]).toEqual(["stop", "help"]);
  });

  it("cuts thinking after --thinking-budget tokens", async () => {
    const { stdout, stderr } = await run("--greedy", "--thinking-budget", "0");
    expect(stderr).not.toContain("thinking");
    expect(stdout.length).toBeGreaterThan(10);
    expect(JSON.parse((await run("--greedy", "--thinking-budget", "2", "--json")).stdout).reasoning_content).toBe(
      "A greeting",
    );
  });

  it("answers several times, each as a run with that seed would", async () => {
    const args = ["--temp", "1.5", "-n", "12", "--no-think"];
    const { stdout, stderr } = await run(...args, "--answers", "2", "--seed", "5", "--json");
    const answers: { seed: number; content: string; reasoning_content: string }[] = JSON.parse(stdout);
    expect(answers.map(({ seed }) => seed)).toEqual([5, 6]);
    expect(stderr).toContain("Answer 2 of 2 · seed 6\n");
    const alone = JSON.parse((await run(...args, "--seed", "6", "--json")).stdout);
    expect([answers[1].content, answers[1].reasoning_content]).toEqual([alone.content, alone.reasoning_content]);
    const printed = await run("--greedy", "--answers", "2");
    expect(printed.stdout).toBe("Hello! How can I help you?\n\nHello! How can I help you?\n");
  });

  it("tells each token with its log-probability and the likeliest ones", async () => {
    const { tokens } = JSON.parse((await run("--greedy", "--json", "--logprobs", "2")).stdout);
    expect(tokens).toHaveLength(22);
    expect(tokens[0]).toMatchObject({ id: 14, text: "<think>", bytes: [...Buffer.from("<think>")] });
    for (const { id, logprob, top } of tokens) {
      expect([top.length, top[0].id, top[0].logprob]).toEqual([2, id, logprob]);
      expect(Math.exp(top[0].logprob) + Math.exp(top[1].logprob)).toBeLessThanOrEqual(1);
    }
  });

  it("says which bias, penalties and order are in force", async () => {
    const args = ["--order", "llama.cpp", "--logit-bias", "20=2.5", "--logit-bias", "300=-100", "-n", "1"];
    expect((await run(...args, "--frequency-penalty", "0.5")).stderr).toContain(
      " · frequency penalty 0.5, logit bias 20=2.5 300=-100, order llama.cpp (command line), temperature 0.2, top-k 80",
    );
    expect((await run("--greedy", "--presence-penalty", "1", "-n", "1")).stderr).toContain(
      " · greedy, presence penalty 1 (command line)\n",
    );
  });

  it.each([
    [["--stop", ""], "--stop: expected a string of 1 to 1000 characters, found one of 0."],
    [["--logit-bias", "the=1"], '--logit-bias: expected ID=BIAS such as 124903=-100, found "the=1".'],
    [
      ["--logit-bias", "5=101"],
      '--logit-bias: expected token ids, each with a number from -100 to 100, found {"5":101}',
    ],
    [["--order", "vllm"], '--order: expected transformers or llama.cpp, found "vllm".'],
    [["--frequency-penalty", "3"], "--frequency-penalty: expected a number from -2 to 2 (0 is off), found 3."],
    [["--thinking-budget", "-1"], '--thinking-budget: expected an integer of at least 0, found "-1".'],
    [["--answers", "0"], '--answers: expected an integer from 1 to 128, found "0".'],
    [["--logit-bias", "2048=1"], "--logit-bias: expected token ids from 0 to 2047, found 2048."],
    [["--logprobs", "2"], "--logprobs: expected --json beside it, found none."],
    [["--logprobs", "21"], '--logprobs: expected an integer from 0 to 20, found "21".'],
    [["--raw", "--thinking-budget", "1"], "'--raw' cannot be used with option '--thinking-budget <count>'"],
  ])("refuses %j with exit code 2", async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("lfm2 chat", () => {
  it("ends answers and thoughts where it was told, turn after turn", async () => {
    const chat = (...args: string[]) => lfm2(["chat", "--greedy", ...args], { stdin: "Hello!\nHello!\n" });
    const { stdout, stderr } = await chat("--stop", "help");
    expect(stdout).toBe("Hello! How can I \nHello! How can I \n");
    expect(stderr.match(/stopped at "help"/g)).toHaveLength(2);
    expect((await chat("--thinking-budget", "3")).stderr).toContain("thinking: A greeting in\n");
  });
});
