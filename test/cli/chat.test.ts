import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { commandWords } from "../../src/cli/conversation/run-tool.ts";
import { lfm2, nanoGolden } from "./lfm2.ts";

describe("lfm2 chat through a pipe", () => {
  it("answers line by line, and remembers", async () => {
    const { code, stdout, stderr } = await lfm2(["chat", "--greedy"], {
      stdin: "Hello!\n\nMy name is Emma.\nWho am I?\n",
    });
    expect(code).toBe(0);
    expect(stdout).toBe("Hello! How can I help you?\nNice to meet you, Emma!\nYour name is Emma.\n");
    expect(stderr.split("\n")[0]).toBe("No -m given: using the embedded model, lfm2-nano.");
    expect(stderr.match(/tok\/s/g)).toHaveLength(3);
    // The first prompt is read whole, the second from where the first answer ended: 13 tokens and 21 of 22.
    expect(stderr).toMatch(/ · prompt 13 tokens in [\s\S]* · prefill 17 of 51 tokens in /);
    expect(stderr).not.toMatch(/[\r\x1b]/); // no colour, no progress in place, where there is no terminal
  });

  it("forgets on /reset, takes a system prompt, and leaves on /quit", async () => {
    const lines = [
      "My name is Emma.",
      "/reset",
      "/system",
      "/system Answer briefly.",
      "/system",
      "/etc/hosts?",
      "/quit",
    ];
    const { code, stdout, stderr } = await lfm2(["chat", "--greedy"], { stdin: `${lines.join("\n")}\nHello!\n` });
    expect(code).toBe(0);
    const answers = stdout.trimEnd().split("\n");
    expect(answers[0]).toBe("Nice to meet you, Emma!");
    expect(answers).toHaveLength(2); // /etc/hosts? is said to the model, and nothing after /quit
    expect(stderr).toContain("The conversation begins anew.");
    expect(stderr).toContain("There is no system prompt");
    expect(stderr).toContain("\nAnswer briefly.\n");
  });

  it("answers every turn as --schema asks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lfm2-chat-"));
    const file = join(folder, "schema.json");
    writeFileSync(file, '{"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}');
    const { code, stdout } = await lfm2(["chat", "--greedy", "--schema", file], { stdin: "Hello!\nHow are you?\n" });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    const answers = stdout.match(/\{[^}]*\}/g) ?? [];
    expect(answers.map((answer) => Object.keys(JSON.parse(answer)))).toEqual([["mood"], ["mood"]]);
  });

  it("lists its commands, and names those it does not know", async () => {
    const { code, stdout, stderr } = await lfm2(["chat"], { stdin: "/help\n/foo\n" });
    expect([code, stdout]).toEqual([0, ""]);
    for (const name of ["/reset", "/system", "/quit", "/foo: expected a command"]) expect(stderr).toContain(name);
  });

  it("joins lines that end with a backslash", async () => {
    const joined = await lfm2(["chat", "--greedy"], { stdin: "What is the capital\\\nof Poland?\n" });
    const { stdout } = await lfm2(["run", "--greedy", "-p", "What is the capital\nof Poland?"]);
    expect(joined.stdout).toBe(stdout);
  });

  it("ends with 1 when the conversation no longer fits", async () => {
    const { code, stderr } = await lfm2(["chat", "-c", "16"], { stdin: `${"Hello! ".repeat(20)}\n` });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: prompt: expected at most 16 .*open the model with a larger --context\.\n$/s);
  });
});

describe("lfm2 chat with tools", () => {
  const folder = mkdtempSync(join(tmpdir(), "lfm2-tools-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const tools = join(folder, "tools.json");
  writeFileSync(tools, /<\|tool_list_start\|>(.*)<\|tool_list_end\|>/.exec(nanoGolden[4].prompt)?.[1] as string);
  const question = "What's the weather in Paris?\n";

  /** A command line that runs this JavaScript; spaces separate words, so that is a file. */
  const tool = (name: string, script: string): string[] => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, script);
    return ["chat", "--greedy", "--tools", tools, "--tool-cmd", `${process.execPath} ${file}`];
  };
  /** What the tool said, as the conversation remembers it. */
  const remembered = async (args: readonly string[]) => {
    const { stdout, stderr, code } = await lfm2(args, { stdin: `${question}/save -f ${folder}/c.json\n` });
    const messages = JSON.parse(readFileSync(join(folder, "c.json"), "utf8"));
    return { stdout, stderr, code, messages, said: messages[2]?.content };
  };

  it("runs the command with the name as argument and the arguments as JSON, and the model reads the result", async () => {
    const script = `
      let given = "";
      for await (const chunk of process.stdin) given += chunk;
      const { LFM2_TOOL_NAME: name, LFM2_TOOL_CALL_ID: id } = process.env;
      if (process.argv[2] !== name || id !== "call_0") throw new Error(process.argv[2]);
      console.log('{"city": "' + JSON.parse(given).city + '", "temperature": 11, "condition": "clear"}');`;
    const { stdout, stderr, messages } = await remembered(tool("weather", script));
    expect(stdout.split("\n")[1]).toBe("It is 11°C and clear in Paris.");
    expect(stderr).toContain('get_weather: {"city": "Paris", "temperature": 11, "condition": "clear"}\n');
    expect(messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    expect(messages[1].tool_calls[0].id).toBe(messages[2].tool_call_id);
  });

  it.each([
    ["an exit code", "process.stderr.write('no such city'); process.exit(3)", "error: exit code 3: no such city"],
    ["an exit code and output", "console.log('half'); process.exit(1)", "error: exit code 1: half"],
    ["too much output", "process.stdout.write('x'.repeat(2e6))", "error: more than 1048576 bytes"],
    ["silence", "setInterval(() => {}, 1000)", "error: no result within 1 seconds"],
    ["a signal", "process.kill(process.pid, 'SIGTERM')", "error: ended by SIGTERM"],
  ])("tells the model of %s", async (what, script, said) => {
    const found = await remembered([...tool(what.replaceAll(" ", "-"), script), "--tool-timeout", "1"]);
    expect(found.said).toBe(said);
    expect(found.stderr).toContain(`get_weather: ${said}\n`);
    expect(found.code).toBe(0);
  });

  it("takes what a command has said when it ends, whatever it leaves running", async () => {
    // Longer than a test may last, with the command's output open.
    const left = `["-e", "setTimeout(() => {}, 90000)"], { detached: true, stdio: ["ignore", "inherit", "inherit"] }`;
    const script = `
      import { spawn } from "node:child_process";
      spawn(process.execPath, ${left}).unref();
      console.log("hi");`;
    expect((await remembered(tool("daemon", script))).said).toBe("hi");
  });

  it("tells the model of a call that is not run because the answer was cut behind it", async () => {
    const { messages, said } = await remembered([...tool("cut", "console.log(1)"), "-n", "28"]);
    expect(messages[1].tool_calls?.length).toBe(1);
    expect(said).toBe("error: not run, the answer was cut");
  });

  it("parts the command's words at spaces, but not within quotes", async () => {
    expect(commandWords(` node  "a b.mjs" --x='c "d' e"f"g C:\\x '' `)).toEqual([
      ...["node", "a b.mjs", '--x=c "d', "efg", "C:\\x", ""],
    ]);
    const { code, stderr } = await lfm2(["chat", "--tools", tools, "--tool-cmd", "node 'a b"]);
    expect([code, stderr]).toEqual([2, `error: --tool-cmd: expected each quote to be closed, found "node 'a b".\n`]);
    expect((await lfm2(["chat", "--tools", tools, "--tool-cmd", " "])).code).toBe(2);
  });

  it("tells the model of a command that is not there", async () => {
    const { said } = await remembered(["chat", "--greedy", "--tools", tools, "--tool-cmd", "./no-such-command"]);
    expect(said).toBe("error: ./no-such-command cannot be run (ENOENT)");
  });

  it("does not run a call that does not fit its schema; the model is told", async () => {
    const strict = join(folder, "strict.json");
    writeFileSync(strict, readFileSync(tools, "utf8").replace('"required": ["city"]', '"required": ["city", "unit"]'));
    const script = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(join(folder, "ran"))}, "");`;
    const { said } = await remembered([...tool("never", script), "--tools", strict]);
    expect(said).toBe("error: unit: expected a string, found nothing.");
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("shows calls as JSON where there is neither a command nor a person", async () => {
    const { stdout } = await lfm2(["chat", "--greedy", "--tools", tools], { stdin: question });
    expect(JSON.parse(stdout)).toMatchObject({ id: "call_0", function: { name: "get_weather" } });
  });

  it("saves, loads and goes on; /stats counts tokens and the context", async () => {
    const file = join(folder, "emma.json");
    const first = await lfm2(["chat", "--greedy"], {
      stdin: `My name is Emma.\n/save ${file}\n/stats\n/reset\n/stats\n`,
    });
    expect(first.stderr).toContain(`2 messages saved to ${file}.`);
    expect(first.stderr).toMatch(/1 answer: \d+ tokens at [\d.]+ tok\/s\nprompts: \d+ tokens in /);
    const used = first.stderr.match(/context: (\d+) of 4,096 tokens used/g);
    expect(used?.[1]).toBe("context: 0 of 4,096 tokens used");
    expect(Number(used?.[0].match(/\d+/))).toBeGreaterThan(20);
    const second = await lfm2(["chat", "--greedy"], { stdin: `/load ${file}\nWho am I?\n` });
    expect(second.stdout).toBe("Your name is Emma.\n");
  });

  it("saves nothing where nothing was said, and over a file only with -f; /load says what becomes of the prompt", async () => {
    const file = join(folder, "mine.json");
    writeFileSync(file, '[{"role": "user", "content": "Hi"}]');
    const nothing = await lfm2(["chat"], { stdin: `/save ${join(folder, "none.json")}\n` });
    expect(nothing.stderr).toContain("/save: expected a conversation, found none yet.");
    expect(existsSync(join(folder, "none.json"))).toBe(false);
    const stdin = `/save ${file}\n/load ${file}\n/save -f ${file}\n/load ${file}\n/system\n`;
    const { stderr } = await lfm2(["chat", "--system", "Answer briefly."], { stdin });
    expect(stderr).toContain("found one. Name another, or replace it with /save -f.");
    expect(stderr.match(/The system prompt until now is gone: the file has none\./g)).toHaveLength(1);
    expect(stderr).toContain("1 message saved to");
    expect(stderr).toContain("There is no system prompt");
  });

  it("names what is wrong with a file to load, and keeps the conversation", async () => {
    const bad = join(folder, "bad.json");
    writeFileSync(bad, '[{"role": "bot"}]');
    const good = join(folder, "good.json");
    writeFileSync(good, '[{"role": "user", "content": "Hi"}]');
    const lines = [`/load ${good}`, `/load ${bad}`, "/load no.json", "/load", "/save", `/save ${folder}/no/x.json`];
    const { code, stderr } = await lfm2(["chat"], { stdin: lines.join("\n") });
    expect(code).toBe(0);
    expect(stderr).toContain('bad.json: messages[0].role: expected system, user, assistant, tool, found "bot".');
    expect(stderr).toContain("no.json: expected a list of messages as JSON, found ENOENT.");
    expect(stderr).toContain("/load: expected a file name behind it, found none.");
    expect(stderr).toContain("/save: expected a file name behind it, found none.");
    expect(stderr).toMatch(/no\/x\.json: expected a folder .*no to write into, found none\./);
  });
});
