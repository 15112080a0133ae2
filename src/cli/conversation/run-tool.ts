// Runs a model's calls by a command of the user's: one process each, bounded in time and output.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { failure, resultOfProblems } from "../../conversation/call-results.ts";
import type { ToolCallDelta } from "../../index.ts";
import { UsageError } from "../exit.ts";

/** For output that is still in the pipe when the command has ended. */
const GRACE_MS = 200;
/** Far more than a context holds. */
const MAX_RESULT_BYTES = 1 << 20;
const MAX_ERROR_CHARACTERS = 2000;
/** Timers of a longer time go off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

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
  call: ToolCallDelta,
  { toolCmd, toolTimeout }: { readonly toolCmd: string; readonly toolTimeout: number },
  signal: AbortSignal,
): Promise<ToolResult> {
  const refused = resultOfProblems(call);
  if (refused !== undefined) return { content: refused, failed: true };
  signal.throwIfAborted();
  const { id, function: called } = call;
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
    return { content: failure(said === "" ? wrong : `${wrong}: ${said}`), failed: true };
  } finally {
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}
