// The prompt of `lfm2 run`: -p, then a file or standard input.
import { UsageError } from "../exit.ts";
import { readTextFile, STANDARD_INPUT } from "../files/text-input.ts";

/**
 * Joined by an empty line where there are both; a newline at the end of what is read is left out. Standard input is
 * read where nothing else is stated, or where the file is `-`: so a pipe that was left open is not waited for.
 * @throws UsageError when there is no prompt at all
 */
export async function readPrompt(stated: string | undefined, file: string | undefined): Promise<string> {
  const isAlone = stated === undefined && file === undefined && !process.stdin.isTTY;
  const source = file ?? (isAlone ? STANDARD_INPUT : undefined);
  const read = source === undefined ? undefined : (await readTextFile(source)).replace(/\r?\n$/, "");
  const prompt = [stated, read].filter(Boolean).join("\n\n");
  if (prompt !== "") return prompt;
  throw new UsageError({
    subject: "run",
    expected: "a prompt from -p, -f or standard input",
    found: "none",
    remedy: 'Try: lfm2 run -p "Hello!"',
  });
}
