// Runs the command, in this process or in one of its own, and tells what it wrote and how it ended.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { tellError } from "../../src/cli/exit.ts";
import { lfm2 as runHere } from "../../src/cli/program.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const golden = path("../../golden/");

/** How this process reads TypeScript, the command does too. */
export const command: readonly string[] = [
  process.execPath,
  "--import",
  new URL("../../assembly/read-typescript.js", import.meta.url).href,
  path("../../src/cli/main.ts"),
];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Files that -o and the like are relative to. */
  readonly cwd?: string;
}

/** Environment without whatever colour or debug wish the tests were started with. */
export function environment(env: StartOptions["env"] = {}): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, LFM2_DEBUG: ___, ...rest } = process.env;
  return { ...rest, ...env };
}

export function start(args: readonly string[], { env, cwd }: StartOptions = {}): ChildProcessWithoutNullStreams {
  const [file, ...flags] = command;
  return spawn(file, [...flags, ...args], { cwd, env: environment(env) });
}

/** Resolves when the process has ended and all it wrote has been read. */
export function ending(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}); // the command may be gone before it has read everything
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export interface RunOptions {
  /** Standard input, which then ends. */
  readonly stdin?: string | Uint8Array;
  /** Files that -o and the like are relative to. */
  readonly cwd?: string;
}

/** Runs the command to its end in a process of its own. */
export function lfm2Process(args: readonly string[], { stdin = "", ...options }: RunOptions & StartOptions = {}) {
  const child = start(args, options);
  const ended = ending(child);
  child.stdin.end(stdin);
  return ended;
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the command to its end in this process, whose streams are others for that long. It costs a tenth of a process of
 * its own; signals, terminals and variables of the environment need one. One run at a time.
 */
export function lfm2(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = last.then(() => runWithStreams(args, options));
  last = ended.catch(() => {});
  return ended;
}

async function runWithStreams(args: readonly string[], { stdin = "", cwd }: RunOptions): Promise<Ended> {
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const streams = {
    stdin: Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)], { objectMode: false }),
    stdout: collecting(written.stdout),
    stderr: collecting(written.stderr),
  };
  const before = { cwd: process.cwd(), argv: process.argv, exitCode: process.exitCode };
  const [listeners, exits] = [process.listeners("SIGINT"), process.listenerCount("exit")];
  const spies = (["stdin", "stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process, name, "get").mockReturnValue(streams[name] as never),
  );
  let code = 0;
  try {
    if (cwd !== undefined) process.chdir(cwd);
    process.argv = [...process.argv.slice(0, 2), ...args];
    process.exitCode = undefined;
    await runHere(args);
    code = Number(process.exitCode ?? 0);
  } catch (error) {
    code = tellError(error);
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.argv = before.argv;
    process.exitCode = before.exitCode;
    process.chdir(before.cwd);
    for (const own of process.listeners("SIGINT")) if (!listeners.includes(own)) process.off("SIGINT", own);
  }
  if (process.listenerCount("exit") !== exits) throw new Error("A run left something to be cleaned up.");
  const [stdout, stderr] = [written.stdout, written.stderr].map((chunks) => Buffer.concat(chunks).toString());
  return { code, stdout, stderr };
}

function collecting(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
}

/** Resolves once `stream` has written text that `pattern` finds. */
export function written(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk) => {
      text += String(chunk);
      if (pattern.test(text)) resolve(text);
    });
    stream.on("end", () => reject(new Error(`expected ${pattern}, found ${JSON.stringify(text)}`)));
  });
}

export interface NanoGolden {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly prompt: string;
  readonly greedy_text: string;
}

export const nanoGolden: readonly NanoGolden[] = JSON.parse(readFileSync(`${golden}nano/golden.json`, "utf8"));
