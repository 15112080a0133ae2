// `lfm2 template`: the text and ids that a conversation becomes, without reading weights.

import { Command } from "commander";
import type { ChatMessage } from "../../chat/messages.ts";
import { statedConversation, statedTools } from "../../conversation/saved-conversation.ts";
import { nodeHost } from "../../index.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { createText } from "../../text/text.ts";
import { UsageError } from "../exit.ts";
import { addTextModelOptions, type NamedTextFiles, openTextFiles, type TextFileFlags } from "../files/text-files.ts";
import { readJson, STANDARD_INPUT } from "../files/text-input.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface TemplateFlags extends TextFileFlags {
  readonly file?: string;
  readonly tools?: string;
  readonly generationPrompt: boolean;
  readonly continueFinalMessage?: true;
  readonly date?: Date;
  readonly ids?: true;
  readonly parseSpecial: "trusted" | "all";
  readonly show?: true | string;
}

const examples = `
Examples:
  $ lfm2 template -f messages.json
  $ echo '[{"role": "user", "content": "Hi"}]' | lfm2 template -m LFM2-8B-A1B-Q4_0.gguf --ids
  $ lfm2 template -m LFM2.5-8B-A1B/ -f messages.json --tools tools.json --date 2026-01-31
  $ lfm2 template -m LFM2-350M.gguf --show > chat_template.jinja
  $ lfm2 template -m LFM2.5-1.2B/ --show tool_use

messages.json is a list of messages ({"role", "content", …}), or an object with "messages" and perhaps "tools".
Control strings in what users and tools say become ordinary ids, unless --parse-special all asks for Hugging Face's.`;

export function templateCommand(): Command {
  const command = new Command("template")
    .description("the prompt that a conversation becomes; reads no weight")
    .option("-f, --file <path>", "the messages as JSON; without it, standard input")
    .option("--tools <path>", "descriptions of tools, a list as JSON")
    .option("--no-generation-prompt", "do not end with the beginning of an answer")
    .option("--continue-final-message", "end within the last message, an assistant's, so that the model continues it")
    .option("--date <YYYY-MM-DD>", "the date that the template may print; today by default", dateOf)
    .option("--ids", "print token ids instead of text: 1,2,3");
  return addTextModelOptions(command)
    .addOption(
      command
        .createOption("--parse-special <where>", "where control strings count as tokens, with --ids")
        .choices(["trusted", "all"])
        .default("trusted"),
    )
    .addOption(
      command
        .createOption("--show [name]", "print the template itself, or the one of that name")
        .conflicts(["file", "tools", "ids", "date"]),
    )
    .addHelpText("after", examples)
    .action(run);
}

async function run(flags: TemplateFlags): Promise<void> {
  const { stdout } = process;
  const print = (text: string): boolean => stdout.write(stdout.isTTY ? `${harmless(stdout, text)}\n` : text);
  if (flags.show) {
    print(templateNamed(flags.show === true ? "default" : flags.show, await openTextFiles(flags)));
    return;
  }
  const { messages, tools } = await readConversation(flags.file, flags.tools);
  const { name, ...files } = await openTextFiles(flags);
  const model = createText(nodeHost.startText, files);
  if (files.chatTemplate === undefined && files.namedTemplates === undefined)
    note(`${name} has no chat template: using plain ChatML.`);
  const parseSpecial = flags.ids ? flags.parseSpecial : "all"; // of the text alone it does not matter
  const { continueFinalMessage, generationPrompt, date: now } = flags;
  const addGenerationPrompt = generationPrompt && !continueFinalMessage;
  const options = { tools, now, addGenerationPrompt, continueFinalMessage, parseSpecial };
  try {
    const { text, trusted } = await model.render(messages, options);
    if (!flags.ids) print(text);
    else stdout.write(`${(await (await model.tokenizer()).encode(text, { parseSpecial: trusted })).join(",")}\n`);
  } finally {
    await model.close();
  }
}

function templateNamed(wanted: string, { name, chatTemplate, namedTemplates }: NamedTextFiles): string {
  const template = wanted === "default" ? chatTemplate : namedTemplates?.get(wanted);
  if (template !== undefined) return template;
  const names = [...(chatTemplate === undefined ? [] : ["default"]), ...(namedTemplates?.keys() ?? [])];
  if (names.length === 0) {
    throw new Lfm2Error({ subject: name, expected: "a chat template", found: "none", remedy: "Plain ChatML is used." });
  }
  throw new Lfm2Error({
    subject: name,
    expected: `a chat template called ${JSON.stringify(wanted)}`,
    found: names.join(", "),
    remedy: "Name one of them.",
  });
}

interface Conversation {
  /** Checked when it is rendered. */
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly unknown[] | undefined;
}

async function readConversation(file: string | undefined, toolsFile: string | undefined): Promise<Conversation> {
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError({ subject: "template", expected: "messages from -f or standard input", found: "none" });
  }
  const content = await readJson(file ?? STANDARD_INPUT, "messages");
  const { messages, tools } = statedConversation(content);
  const stated = toolsFile === undefined ? tools : statedTools(await readJson(toolsFile, "a list of tools"));
  return {
    messages: messages as Conversation["messages"],
    tools: (stated ?? undefined) as Conversation["tools"],
  };
}

/** Noon of the day, in local time. */
function dateOf(text: string): Date {
  const [year, month, day] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []).slice(1).map(Number);
  const date = new Date(year, month - 1, day, 12);
  if (date.getMonth() === month - 1 && date.getDate() === day) return date;
  throw new UsageError({ subject: "--date", expected: "a day such as 2026-01-31", found: JSON.stringify(text) });
}
