// What a run begins with: token ids, a text, or a user's message.
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import { type OpenedModel, tokenizerOf } from "../files/open-model.ts";
import { tokenIds } from "./option-values.ts";

export interface InputFlags {
  readonly ids?: number[];
  readonly prompt?: string;
  readonly chat?: string;
}

export function addInputOptions(command: Command): Command {
  command.addOption(command.createOption("--ids <ids>", "token ids, such as 1,2,3").argParser(tokenIds("--ids")));
  command.addOption(
    command
      .createOption("-p, --prompt <text>", "text instead of ids; the beginning-of-text token is put before it")
      .conflicts("ids"),
  );
  return command.addOption(
    command
      .createOption("--chat <text>", "a user's message instead, in the model's chat template")
      .conflicts(["ids", "prompt"]),
  );
}

/** @throws UsageError when nothing is stated */
export function statedInput(command: string, { ids, prompt, chat }: InputFlags): void {
  if (ids !== undefined || prompt || chat) return;
  throw new UsageError({
    subject: command,
    expected: "--ids, --prompt or --chat",
    found: "none",
    remedy: `Try: lfm2 ${command} --ids 1,2,3 -o DIRECTORY`,
  });
}

export async function inputIds(opened: OpenedModel, { ids, prompt, chat }: InputFlags): Promise<number[]> {
  if (ids !== undefined) return ids;
  const tokenizer = await tokenizerOf(opened);
  if (prompt) return tokenizer.encode(prompt, { addBos: true });
  return opened.model.encodeChat([{ role: "user", content: chat as string }]);
}
