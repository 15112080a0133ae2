// `lfm2 tokenize`: text to token ids and back, without reading weights.
import { Command } from "commander";
import { readTokenizer } from "../../formats/tokenizer-source.ts";
import { createTokenizer, type Tokenizer } from "../../tokenizer/tokenizer.ts";
import { UsageError } from "../exit.ts";
import { addTextModelOptions, openTextFiles, type TextFileFlags } from "../files/text-files.ts";
import { readTextFile, STANDARD_INPUT } from "../files/text-input.ts";
import { tokenIds } from "../options/option-values.ts";
import { harmless } from "../terminal/terminal.ts";

interface TokenizeFlags extends TextFileFlags {
  readonly file?: string;
  readonly ids?: true;
  readonly json?: true;
  readonly count?: true;
  readonly special: boolean;
  readonly bos?: boolean;
  readonly decode?: readonly number[];
}

const examples = `
Examples:
  $ lfm2 tokenize "Hello, world"                       an id and its text on each line
  $ lfm2 tokenize -m LFM2-8B-A1B-Q4_0.gguf -f notes.txt --count
  $ echo -n "<|im_start|>user" | lfm2 tokenize --ids
  $ lfm2 tokenize "<|im_end|>" --no-special --no-bos --json
  $ lfm2 tokenize --decode 1,6,330

The text is taken to its last character: a newline at its end counts. Whether BOS is put before it, the model's files
decide, unless --bos or --no-bos does; it is never put before text that begins with it.`;

export function tokenizeCommand(): Command {
  const command = new Command("tokenize")
    .description("token ids of a text, or the text of token ids; reads no weight")
    .argument("[text]", "the text; without it and -f, standard input")
    .option("-f, --file <path>", "a file that holds the text")
    .option("--no-special", "take control strings such as <|im_end|> for ordinary text")
    .option("--bos", "begin with the beginning-of-text token")
    .option("--no-bos", "do not begin with it");
  return addTextModelOptions(command)
    .addOption(command.createOption("--ids", "print ids only, in one line: 1,2,3").conflicts(["json", "count"]))
    .addOption(command.createOption("--count", "print how many there are").conflicts(["json"]))
    .option("--json", "print one JSON object instead of text")
    .addOption(
      command
        .createOption("--decode <ids>", "print the text of token ids, such as 1,2,3")
        .argParser(tokenIds("--decode"))
        .conflicts(["file", "ids", "count"]),
    )
    .addHelpText("after", examples)
    .action(run);
}

async function run(stated: string | undefined, flags: TokenizeFlags): Promise<void> {
  if (stated !== undefined && (flags.file !== undefined || flags.decode !== undefined)) {
    const other = flags.decode === undefined ? "--file" : "--decode";
    throw new UsageError({
      subject: "tokenize",
      expected: "one input",
      found: `a text and ${other}`,
      remedy: "Leave one of them out.",
    });
  }
  const { decode } = flags;
  const text = decode === undefined ? await readText(stated, flags.file) : undefined;
  const files = await openTextFiles(flags);
  const tokenizer = createTokenizer(readTokenizer(files.tokenizer), files.embeddingRows);
  if (text === undefined) writeText(tokenizer, decode as readonly number[], flags.json === true);
  else writeIds(tokenizer, text, flags);
}

async function readText(stated: string | undefined, file: string | undefined): Promise<string> {
  if (stated !== undefined) return stated;
  if (file !== undefined) return readTextFile(file);
  if (!process.stdin.isTTY) return readTextFile(STANDARD_INPUT);
  throw new UsageError({
    subject: "tokenize",
    expected: "a text, -f or standard input",
    found: "none",
    remedy: 'Try: lfm2 tokenize "Hello!"',
  });
}

function writeText(tokenizer: Tokenizer, ids: readonly number[], asJson: boolean): void {
  ids.forEach((id, index) => {
    if (id < tokenizer.vocabSize) return;
    const expected = `ids in [0, ${tokenizer.vocabSize})`;
    throw new UsageError({ subject: "--decode", expected, found: `${id} at index ${index}` });
  });
  const text = tokenizer.decode(ids);
  const { stdout } = process;
  if (asJson) stdout.write(`${JSON.stringify({ ids, text })}\n`);
  else stdout.write(stdout.isTTY ? `${harmless(stdout, text)}\n` : text);
}

function writeIds(tokenizer: Tokenizer, text: string, flags: TokenizeFlags): void {
  const { stdout } = process;
  const ids = tokenizer.encode(text, { addBos: flags.bos ?? tokenizer.addsBos, parseSpecial: flags.special });
  if (flags.count) stdout.write(`${ids.length}\n`);
  else if (flags.ids) stdout.write(`${ids.join(",")}\n`);
  else if (flags.json) {
    const tokens = ids.map((id) => ({ id, text: tokenizer.textOf(id), special: tokenizer.isSpecial(id) }));
    stdout.write(`${JSON.stringify({ count: ids.length, ids, tokens })}\n`);
  } else {
    const width = String(tokenizer.vocabSize - 1).length;
    // JSON's quotes show white space at the ends, and keep control characters from the terminal.
    const lines = ids.map((id) => `${String(id).padStart(width)}  ${JSON.stringify(tokenizer.textOf(id))}\n`);
    stdout.write(harmless(stdout, lines.join("")));
  }
}
