// A server as a process of its own, spoken to line by line. The SDK's transport for this ends the process alone, where
// `npx` and the like leave others behind, and a Ctrl-C of the terminal reaches its servers, too. So this one starts a
// group of processes and ends all of it.
import { spawn } from "node:child_process";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { McpError, quoted } from "./mcp-error.ts";
import type { Sdk } from "./sdk.ts";
import type { StdioServer } from "./server-file.ts";

/** For a server to end by itself once its input has ended, and then once it was told to. */
const GRACE_MS = 1000;
/** For what is still in its pipes when it has ended. */
const REST_MS = 200;
const MAX_COMPLAINT = 2000;
/** A server that writes much else than messages is none. */
const MAX_STRAY_LINES = 1000;

export interface StdioTransport extends Transport {
  /** Ends the processes at once. */
  kill(): void;
}

/**
 * @throws (from `start`) McpError when the command cannot be run. When the server ends by itself, `onerror` is told with
 *         the end of what it wrote to standard error.
 */
export function createStdioTransport(server: StdioServer, sdk: Sdk): StdioTransport {
  const { name, command, args, env, cwd } = server;
  const isGroup = process.platform !== "win32";
  const buffer = new sdk.ReadBuffer();
  let child: ReturnType<typeof spawnServer> | undefined;
  let ended: Promise<void> | undefined;
  let isOver = false;
  let complaint = "";
  let strayLines = 0;
  let isFailed = false;

  const spawnServer = () =>
    spawn(command, args, {
      env: { ...sdk.getDefaultEnvironment(), ...env },
      cwd,
      detached: isGroup,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
  const signal = (kind: NodeJS.Signals): void => {
    if (child?.pid === undefined || isOver) return;
    try {
      if (isGroup) process.kill(-child.pid, kind);
      else child.kill(kind);
    } catch {
      // All of it has ended already.
    }
  };
  const failWith = (found: string): void => {
    isFailed = true;
    transport.onerror?.(new McpError({ subject: `server ${quoted(name)}`, expected: "messages of MCP", found }));
    signal("SIGKILL");
  };
  const tellEnd = (how: string): void => {
    const said = complaint.trim() === "" ? "" : `, after it wrote ${quoted(complaint.trim().slice(-300))}`;
    const parts = {
      subject: `server ${quoted(name)}`,
      expected: "a running process",
      found: `its end (${how})${said}`,
    };
    if (!isFailed) transport.onerror?.(new McpError(parts));
    transport.onclose?.();
  };
  const read = (chunk: Buffer): void => {
    if (isFailed) return;
    try {
      buffer.append(chunk);
    } catch (error) {
      failWith((error as Error).message);
      return;
    }
    for (;;) {
      try {
        const message = buffer.readMessage();
        if (message === null) return;
        transport.onmessage?.(message);
      } catch {
        // Servers print greetings and warnings to standard output, though they should not.
        strayLines++;
        if (strayLines <= MAX_STRAY_LINES) continue;
        failWith(`${strayLines} lines that are none`);
        return;
      }
    }
  };

  const transport: StdioTransport = {
    start: () =>
      new Promise((resolve, reject) => {
        child = spawnServer();
        child.on("spawn", resolve);
        child.on("error", (error: NodeJS.ErrnoException) => {
          const found = `${command} (${error.code ?? error.message})`;
          reject(new McpError({ subject: `server ${quoted(name)}`, expected: "a command that can be run", found }));
        });
        child.stdin.on("error", () => {}); // the end of the process tells
        child.stdout.on("data", read);
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          complaint = (complaint + text).slice(-MAX_COMPLAINT);
        });
        ended = new Promise((settle) => {
          const end = (code: number | null, by: NodeJS.Signals | null): void => {
            if (!isOver) tellEnd(by ?? `exit code ${code}`);
            isOver = true;
            settle();
          };
          child?.on("close", end);
          child?.on("exit", (code, by) => {
            signal("SIGKILL"); // what it has started, and may hold its pipes open
            setTimeout(end, REST_MS, code, by).unref();
          });
        });
      }),
    send: (message: JSONRPCMessage) =>
      new Promise((resolve, reject) => {
        if (child === undefined || isOver) {
          reject(new Error("the server has ended"));
        } else if (child.stdin.write(sdk.serializeMessage(message))) resolve();
        else {
          child.stdin.once("drain", resolve);
          child.once("exit", () => resolve());
        }
      }),
    async close() {
      child?.stdin.end();
      for (const kind of ["SIGTERM", "SIGKILL"] as const) {
        if (ended === undefined || isOver) break;
        await Promise.race([ended, after(GRACE_MS)]);
        signal(kind);
      }
      await ended;
      for (const pipe of [child?.stdin, child?.stdout, child?.stderr]) pipe?.destroy();
    },
    kill: () => signal("SIGKILL"),
  };
  return transport;
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
