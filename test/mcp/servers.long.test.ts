// Servers that others wrote, over both transports, and one of ours that behaves badly.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectServers, type McpConnections } from "../../src/mcp/connect.ts";
import type { McpServer } from "../../src/mcp/server-file.ts";
import { written } from "../cli/lfm2.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const published = (name: string): string =>
  path(`../../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
const folder = realpathSync(mkdtempSync(join(tmpdir(), "lfm2-mcp-")));
afterAll(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const connect = (servers: readonly McpServer[], signal = never) => connectServers(servers, { version: "1", signal });
const program = (name: string, ...args: string[]): McpServer => ({ name, command: process.execPath, args, env: {} });
const ours = (settings: object): McpServer => program("ours", path("server.mjs"), JSON.stringify(settings));

function caller(connections: McpConnections) {
  return (name: string, args: object, timeoutMs = 30_000, signal = never) => {
    const tool = connections.tools.find((found) => found.tool.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    return connections.call(tool, JSON.stringify(args), { timeoutMs, signal });
  };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // One that nobody has waited for yet has ended, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("server-everything", () => {
  let http: ChildProcess;
  let address: string;
  beforeAll(async () => {
    const port = await freePort();
    address = `http://127.0.0.1:${port}/mcp`;
    const child = spawn(process.execPath, [published("everything"), "streamableHttp"], {
      env: { ...process.env, PORT: String(port) },
    });
    http = child;
    await written(child.stderr, /listening/);
  });
  afterAll(() => http.kill("SIGKILL"));

  const transports: readonly [string, () => McpServer][] = [
    ["stdio", () => program("everything", published("everything"))],
    ["streamable HTTP", () => ({ name: "everything", url: address, headers: {} })],
  ];
  describe.each(transports)("over %s", (_, server) => {
    let connections: McpConnections;
    let call: ReturnType<typeof caller>;
    beforeAll(async () => {
      connections = await connect([server()]);
      call = caller(connections);
    });
    afterAll(() => connections?.close());

    it("lists its tools, but those that run only as tasks", () => {
      const names = connections.tools.map(({ tool }) => tool.name);
      expect(names).toEqual(expect.arrayContaining(["echo", "get-sum", "get-structured-content", "get-tiny-image"]));
      expect(names).not.toContain("simulate-research-query");
      expect(connections.tools.find(({ name }) => name === "get-sum")?.tool.parameters).toMatchObject({
        type: "object",
        properties: { a: { type: "number" } },
        required: ["a", "b"],
      });
    });

    it("runs calls side by side, each with its own result", async () => {
      const sums = await Promise.all([1, 2, 3].map((b) => call("get-sum", { a: 40, b })));
      expect(sums.map(({ content }) => /\d+\.?$/.exec(content)?.[0])).toEqual(["41.", "42.", "43."]);
    });

    it("names what is no text", async () => {
      const { content } = await call("get-tiny-image", {});
      expect(content).toMatch(/\n\[image: image\/png, \d+ bytes\]\n/);
      expect((await call("get-structured-content", { location: "Chicago" })).content).toContain('"temperature":36');
    });

    it("tells of arguments that the server refuses", async () => {
      const { content, failed } = await call("get-sum", { a: "x" });
      expect([content.startsWith("error: "), failed]).toEqual([true, true]);
    });

    it("gives up after the time-out, and at once when stopped; the server goes on", async () => {
      const long = { duration: 20, steps: 2 };
      const { content } = await call("trigger-long-running-operation", long, 300);
      expect(content).toBe("error: no result within 0.3 seconds");
      const controller = new AbortController();
      const stopped = call("trigger-long-running-operation", long, 30_000, controller.signal);
      setTimeout(() => controller.abort(new Error("enough")), 100);
      await expect(stopped).rejects.toThrow("enough");
      expect((await call("echo", { message: "still here" })).content).toBe("Echo: still here");
    });
  });

  it("cannot be reached at an address where nobody listens", async () => {
    const nobody = { name: "web", url: `http://127.0.0.1:${await freePort()}/mcp`, headers: {} };
    await expect(connect([nobody])).rejects.toThrow(
      /server "web": expected a server that lists its tools, found .*ECONNREFUSED/,
    );
  });
});

it("server-filesystem reads what it may, and two of them have names apart", async () => {
  writeFileSync(join(folder, "a.txt"), "Hello!\n");
  const files = published("filesystem");
  const connections = await connect([program("one", files, folder), program("two", files, path("."))]);
  try {
    const call = caller(connections);
    expect((await call("one_read_text_file", { path: join(folder, "a.txt") })).content).toBe("Hello!\n");
    const refused = await call("two_read_text_file", { path: join(folder, "a.txt") });
    expect(refused.content).toMatch(/^error: Access denied/);
  } finally {
    await connections.close();
  }
});

describe("a server that behaves badly", () => {
  it("may list in pages, and no name that could do harm", async () => {
    const names = ["a", "b\x1b[2J", "c", "d e", "f".repeat(129)];
    const long = { name: "long", description: "x".repeat(1 << 16) };
    const connections = await connect([ours({ tools: [...names.map((name) => ({ name })), long], pageSize: 2 })]);
    await connections.close();
    expect(connections.tools.map(({ name }) => name)).toEqual(["a", "c"]);
    expect(connections.leftOut).toHaveLength(4);
    expect(connections.leftOut[0]).toContain('"b\\u001b[2J" of server "ours"');
  });

  it("may not have any number of tools", async () => {
    const tools = Array.from({ length: 513 }, (_, i) => ({ name: `t${i}` }));
    await expect(connect([ours({ tools })])).rejects.toThrow("expected at most 512 tools, found 513");
  });

  it("may not give a result of any size, nor a message", async () => {
    const tools = [
      { name: "big", says: "x", repeat: 2 << 20 },
      { name: "huge", says: "x", repeat: 11 << 20 },
    ];
    const connections = await connect([ours({ tools })]);
    const call = caller(connections);
    expect((await call("big", {})).content).toBe("error: more than 1048576 bytes");
    expect((await call("huge", {})).content).toMatch(/^error: .*exceeded maximum size/);
    expect((await call("big", {})).failed).toBe(true); // it is gone
    await connections.close();
  });

  it("may write without end: it is ended", async () => {
    const pouring = { ...program("ours", "-c", "yes | tr -d '\\n'"), command: "sh" };
    await expect(connect([pouring])).rejects.toThrow(/server "ours": expected messages of MCP, found .*maximum/);
  });

  it("that does not start is named, with what it wrote, and the others are ended", async () => {
    const pids = join(folder, "others");
    const failing = program("bad", "-e", "console.error('no key'); process.exit(3)");
    const started = connect([ours({ pids, stay: true }), failing]);
    await expect(started).rejects.toThrow(
      'server "bad": expected a running process, found its end (exit code 3), after it wrote "no key".',
    );
    for (const pid of readFileSync(pids, "utf8").trim().split("\n")) expect(isAlive(Number(pid))).toBe(false);
    const missing = { name: "bad", command: "./no-such-server", args: [], env: {} };
    await expect(connect([missing])).rejects.toThrow(
      "expected a command that can be run, found ./no-such-server (ENOENT)",
    );
  });

  it("that ends for no request is killed, with all that it has started", async () => {
    const pids = join(folder, "stubborn");
    const connections = await connect([ours({ pids, stay: true, tools: [{ name: "a" }] })]);
    const all = readFileSync(pids, "utf8").trim().split("\n").map(Number);
    expect(all.map(isAlive)).toEqual([true, true]);
    await connections.close();
    // Both have been sent the signal; the system may take a moment for what the server had started.
    await expect.poll(() => all.map(isAlive), { timeout: 10_000 }).toEqual([false, false]);
  });

  it("that is stopped while it starts is ended", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 300);
    await expect(connect([program("slow", "-e", "setTimeout(() => {}, 60000)")], controller.signal)).rejects.toThrow(
      "enough",
    );
  });
});
