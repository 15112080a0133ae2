// The prompt of `lfm2 run`: -p, then a file, then standard input.
import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { UsageError } from "./exit.ts";
import { note } from "./terminal.ts";

/** A pipe that says nothing for so long may never end: somebody left it open. */
const PATIENCE_MS = 3000;

/**
 * Joined by an empty line where there are several; a newline at the end of a file or of standard input is left out.
 * @throws UsageError when there is no prompt at all
 */
export async function readPrompt(stated: string | undefined, file: string | undefined): Promise<string> {
  const { stdin } = process;
  const parts = [stated, file === undefined ? undefined : await readPromptFile(file)];
  if (!stdin.isTTY) parts.push(await readStandardInput());
  const prompt = parts.filter(Boolean).join("\n\n");
  if (prompt !== "") return prompt;
  throw new UsageError('run: expected a prompt from -p, -f or standard input, found none. Try: lfm2 run -p "Hello!"');
}

async function readPromptFile(path: string): Promise<string> {
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: expected a text file, found ${error.code ?? error.message}. Check the path.`);
  });
  return withoutLastNewline(content);
}

async function readStandardInput(): Promise<string> {
  const timer = setTimeout(() => note("Waiting for standard input to end; `< /dev/null` gives it none."), PATIENCE_MS);
  try {
    return withoutLastNewline(await readAll(process.stdin));
  } finally {
    clearTimeout(timer);
  }
}

function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}
