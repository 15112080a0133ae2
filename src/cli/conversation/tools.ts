// Tools on the command line: what the model may call, and the command that runs a call.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { readToolSchemas } from "../../chat/calls/tool-check.ts";
import { membersOf } from "../../chat/exact-json.ts";
import { checkTools } from "../../chat/messages.ts";
import type { ToolCallDelta } from "../../index.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { UsageError } from "../exit.ts";
import { errorInFile, readJson } from "../files/text-input.ts";
import { integerOf } from "../options/option-values.ts";
import { problemText } from "../terminal/answer-printer.ts";

export interface ToolFlags {
  readonly tools?: string;
  readonly toolCmd?: string;
  readonly toolTimeout: number;
}

/** For output that is still in the pipe when the command has ended. */
const GRACE_MS = 200;
/** Far more than a context holds. */
const MAX_RESULT_BYTES = 1 << 20;
const MAX_ERROR_CHARACTERS = 2000;
/** Timers of a longer time go off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function addToolsOption(command: Command): Command {
  return command.option("--tools <file>", "functions the model may call: a JSON list, in OpenAI's form or bare");
}

export function addToolOptions(command: Command): Command {
  return addToolsOption(command)
    .option(
      "--tool-cmd <command>",
      "runs a call: its name is the last argument, its arguments are JSON on standard input; no shell: " +
        "spaces part words, quotes keep them together",
    )
    .option("--tool-timeout <seconds>", "how long that may take", integerOf("--tool-timeout", 1), 60);
}

/**
 * The words of a command: parted by white space but within single or double quotes, which are left out. A backslash is
 * itself, as in a path of Windows.
 * @throws UsageError for a quote that is not closed
 */
export function commandWords(command: string): string[] {
  const words: string[] = [];
  const parts = /\s+|((?:[^\s"']|"[^"]*"|'[^']*')+)|["']/gy;
  for (const [part, word] of command.matchAll(parts)) {
    if (part === '"' || part === "'") {
      throw new UsageError({
        subject: "--tool-cmd",
        expected: "each quote to be closed",
        found: JSON.stringify(command),
      });
    }
    if (word !== undefined) words.push(word.replace(/"([^"]*)"|'([^']*)'/g, (_, a = "", b = "") => a + b));
  }
  return words;
}

/**
 * @returns the tools as they are written, for the template
 * @throws Error naming the file and the tool at fault; UsageError for a command without tools
 */
export async function readTools({ tools: path, toolCmd }: Partial<ToolFlags>): Promise<unknown[] | undefined> {
  if (toolCmd !== undefined && !existsSync(toolCmd) && commandWords(toolCmd).length === 0) {
    throw new UsageError({ subject: "--tool-cmd", expected: "a command", found: JSON.stringify(toolCmd) });
  }
  if (path === undefined) {
    if (toolCmd !== undefined) {
      throw new UsageError({ subject: "--tool-cmd", expected: "--tools FILE beside it", found: "none" });
    }
    return undefined;
  }
  const found = await readJson(path, "a list of tools");
  try {
    const tools = checkTools(toolsIn(found));
    tools.forEach((tool, i) => {
      if (readToolSchemas([tool]).size === 1) return;
      throw new Lfm2Error({ subject: `tools[${i}]`, expected: "a function with a name", found: "none" });
    });
    return [...tools];
  } catch (error) {
    throw errorInFile(path, error);
  }
}

/** Of a file's JSON: a list, or an object with one. */
export function toolsIn(found: unknown): unknown {
  const { tools = found } = membersOf(found) ?? {};
  return tools;
}

/** What came of a call: text for the model, and whether it tells of a failure. */
export interface ToolResult {
  readonly content: string;
  readonly failed: boolean;
}

/**
 * Runs one call. No shell is involved, and nothing the model wrote is among the command's words but the name of a tool
 * that the user listed; arguments go through standard input. A call with problems is not run: the model is told of them
 * instead. So it is of a failure, whatever its kind.
 *
 * @throws the signal's reason, when it was aborted
 */
export async function runTool(
  { id, function: called, problems }: ToolCallDelta,
  { toolCmd, toolTimeout }: { readonly toolCmd: string; readonly toolTimeout: number },
  signal: AbortSignal,
): Promise<ToolResult> {
  if (problems !== undefined) return failure(problems.map(problemText).join("\n"));
  signal.throwIfAborted();
  const [file, ...words] = existsSync(toolCmd) ? [resolve(toolCmd)] : commandWords(toolCmd);
  // A group of its own, so that what a script has started ends with it.
  const isGroup = process.platform !== "win32";
  const child = spawn(file, [...words, called.name], {
    env: { ...process.env, LFM2_TOOL_NAME: called.name, LFM2_TOOL_CALL_ID: id },
    detached: isGroup,
  });
  const kill = (): void => {
    try {
      if (isGroup && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  let stopped: string | undefined;
  const stop = (why: string): void => {
    stopped ??= why;
    kill();
  };
  const timer = setTimeout(
    () => stop(`no result within ${toolTimeout} seconds`),
    Math.min(toolTimeout * 1000, MAX_TIMER_MS),
  );
  signal.addEventListener("abort", kill);
  process.on("exit", kill);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_RESULT_BYTES) stop(`more than ${MAX_RESULT_BYTES} bytes`);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-MAX_ERROR_CHARACTERS);
    });
    child.stdin.on("error", () => {}); // it need not read its arguments
    child.stdin.end(`${called.arguments}\n`);
    const ended = await new Promise<string | undefined>((settle) => {
      const settleBy = (code: number | null, by: NodeJS.Signals | null): void =>
        settle(code === 0 ? undefined : by === null ? `exit code ${code}` : `ended by ${by}`);
      child.on("error", (error: NodeJS.ErrnoException) => settle(`${file} cannot be run (${error.code})`));
      child.on("close", settleBy);
      // What it left running may keep its output open for as long as it likes.
      child.on("exit", (code, by) => setTimeout(settleBy, GRACE_MS, code, by).unref());
    });
    signal.throwIfAborted();
    const content =
      stopped === undefined
        ? Buffer.concat(chunks)
            .toString("utf8")
            .replace(/\r?\n$/, "")
        : "";
    const wrong = stopped ?? ended;
    if (wrong === undefined) return { content, failed: false };
    const said = complaint.trim() || content.slice(-MAX_ERROR_CHARACTERS).trim();
    return failure(said === "" ? wrong : `${wrong}: ${said}`);
  } finally {
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}

const failure = (what: string): ToolResult => ({ content: `error: ${what}`, failed: true });
