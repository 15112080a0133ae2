// The rules by which servers are read from a file, tools are named and shortened, and results become text.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such is the form that the file has
import { describe, expect, it } from "vitest";
import { resultText } from "../../src/mcp/result-text.ts";
import { readServers } from "../../src/mcp/server-file.ts";
import { uniqueNames } from "../../src/mcp/tool-names.ts";
import { type FunctionTool, firstSentence, trimTools } from "../../src/mcp/trim-tools.ts";

describe("the file of servers", () => {
  const environment = { KEY: "secret", HOME: "/home/emma" };
  const read = (found: unknown) => readServers(found, environment);

  it("is that of other clients, under either name", () => {
    const files = { command: "npx", args: ["-y", "server", "${HOME}"], env: { KEY: "${env:KEY}" }, cwd: "${HOME}" };
    const web = { type: "http", url: "https://example.com/mcp", headers: { Authorization: "Bearer ${KEY}" } };
    const filled = [
      {
        name: "files",
        command: "npx",
        args: ["-y", "server", "/home/emma"],
        env: { KEY: "secret" },
        cwd: "/home/emma",
      },
      { name: "web", url: "https://example.com/mcp", headers: { Authorization: "Bearer secret" } },
    ];
    expect(read({ mcpServers: { files, web } })).toEqual(filled);
    expect(read({ inputs: [], servers: { files: { type: "stdio", ...files }, web } })).toEqual(filled);
  });

  it("may leave servers out, and give variables another value", () => {
    const servers = { off: { command: "x", disabled: true }, on: { command: "${TOOL:-deno}", gallery: true } };
    expect(read({ mcpServers: servers })).toEqual([{ name: "on", command: "deno", args: [], env: {} }]);
  });

  it.each([
    [[], 'the file: expected an object with "mcpServers" or "servers", each under its name, found a list.'],
    [{ mcpServers: { a: 1 } }, 'server "a": expected an object, found a number.'],
    [{ mcpServers: { a: {} } }, 'server "a": expected a command or a url, found neither.'],
    [{ mcpServers: { a: { command: "x", url: "http://x" } } }, 'server "a": expected a command or a url, found both.'],
    [{ mcpServers: { a: { command: "x", args: [1] } } }, 'server "a", args, 0: expected a text, found a number.'],
    [
      { mcpServers: { a: { command: "" } } },
      'server "a", command: expected a text that is not empty, found an empty text.',
    ],
    [{ mcpServers: { a: { url: "file:///x" } } }, 'server "a", url: expected an address with http or https'],
    [
      { mcpServers: { a: { type: "sse", url: "http://x" } } },
      'server "a", type: expected http, which is streamable HTTP',
    ],
    [
      { mcpServers: { a: { command: "${NO}" } } },
      'server "a", ${NO}: expected a variable of the environment that is set',
    ],
    [{ mcpServers: { a: { command: "${input:key}" } } }, "found something else. Write the value itself."],
    [{ servers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, {}])) }, "at most 64 servers, found 65."],
  ])("is refused with a reason: %j", (found, message) => {
    expect(() => read(found)).toThrow(message);
  });
});

it("tools keep their names, and get their server's in front where two have the same", () => {
  const named = (...names: string[]) =>
    uniqueNames(names.map((text) => ({ server: text.split("/")[0], name: text.split("/")[1] })));
  expect(named("a/read", "b/write")).toEqual(["read", "write"]);
  expect(named("my files/read", "b/read", "b/write")).toEqual(["my_files_read", "b_read", "write"]);
  expect(named("a b/x", "a-b/x", "a.b/x", "c/a_b_x")).toEqual(["a_b_x_2", "a-b_x", "a_b_x_3", "a_b_x"]);
});

describe("a list of tools that is too long", () => {
  const tool: FunctionTool = {
    name: "send",
    description: "Sends a message, e.g. a letter. It is sent at once.\nAnd more.",
    parameters: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        description: { type: "string", description: "What is sent." },
        kind: { anyOf: [{ const: { title: "a" }, title: "A" }], default: { description: "kept" } },
      },
      required: ["description"],
    },
  };
  const bare = {
    type: "object",
    properties: {
      description: { type: "string" },
      kind: { anyOf: [{ const: { title: "a" } }], default: { description: "kept" } },
    },
    required: ["description"],
  };
  const size = (tools: readonly FunctionTool[]): number => JSON.stringify(tools).length;
  const trimmed = (room: number) =>
    trimTools(
      [tool],
      2 * room,
      async (tools) => size(tools),
      () => "post",
    );
  const full = size([tool]);
  const second = size([{ ...tool, parameters: bare }]);
  const least = { ...tool, parameters: bare, description: "Sends a message, e.g. a letter." };

  it("stays as it is while there is room", async () => {
    expect(await trimmed(full)).toEqual({ tools: [tool], tokens: full, tokensBefore: full, leftOut: [] });
  });

  it("loses what describes parameters first, but none of their names and values", async () => {
    for (const room of [full - 1, second]) {
      const { tools, leftOut, tokens } = await trimmed(room);
      expect(tools).toEqual([{ ...tool, parameters: bare }]);
      expect([leftOut, tokens]).toEqual([["descriptions of parameters"], second]);
    }
  });

  it("then keeps one sentence of each description", async () => {
    for (const room of [second - 1, size([least])]) {
      const { tools, leftOut } = await trimmed(room);
      expect(tools).toEqual([least]);
      expect(leftOut).toHaveLength(2);
    }
  });

  it("then is refused, with the numbers", async () => {
    const room = size([least]) - 1;
    await expect(trimmed(room)).rejects.toThrow(
      `1 tool of MCP servers: expected at most ${room} tokens, half of the context of ${2 * room}, found ${full}, and ` +
        `${room + 1} with shortened descriptions (post ${room + 1} with 1). Open the model`,
    );
  });

  it.each([
    ["One. Two.", "One."],
    ["Only one", "Only one"],
    ["Of version 1.2 or later, e.g. that. Then more.", "Of version 1.2 or later, e.g. that."],
    ["\nA line\nand another", "A line"],
    ["Really? Yes.", "Really?"],
  ])("%j begins with the sentence %j", (text, sentence) => {
    expect(firstSentence(text)).toBe(sentence);
  });
});

describe("a result", () => {
  const texts = (...parts: string[]) => parts.map((text) => ({ type: "text", text }));

  it("is its texts, line by line; what is no text is named", () => {
    const content = [
      ...texts("a", "b"),
      { type: "image", data: "AAAA", mimeType: "image/png" },
      { type: "resource", resource: { uri: "file:///a", text: "inside" } },
      { type: "resource", resource: { uri: "file:///b", blob: "AAAA", mimeType: "application/gzip" } },
      { type: "resource_link", uri: "file:///c", name: "c" },
    ];
    expect(resultText({ content }).content.split("\n")).toEqual([
      ...["a", "b", "[image: image/png, 3 bytes]", "inside", "[resource: file:///b, application/gzip]"],
      "[resource link: file:///c]",
    ]);
    expect(resultText({ content: [], structuredContent: { x: 1 } })).toEqual({ content: '{"x":1}', failed: false });
  });

  it("tells of failures, and is bounded", () => {
    expect(resultText({ content: texts("no"), isError: true })).toEqual({ content: "error: no", failed: true });
    expect(resultText({ content: [], isError: true }).content).toBe("error: the tool failed");
    expect(resultText({ content: texts("x".repeat(5000)), isError: true }).content).toHaveLength(2007);
    expect(resultText({ content: texts("x".repeat((1 << 20) + 1)) }).content).toBe("error: more than 1048576 bytes");
  });
});
