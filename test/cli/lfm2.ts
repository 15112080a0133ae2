// Starts the real command and tells what it wrote and how it ended.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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

/** Runs the command to its end; standard input is `stdin`, and then over. */
export function lfm2(args: readonly string[], { stdin = "", ...options }: StartOptions & { stdin?: string } = {}) {
  const child = start(args, options);
  const ended = ending(child);
  child.stdin.end(stdin);
  return ended;
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
