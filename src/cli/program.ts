// The `lfm2` command as a function: finds the subcommand and runs it.
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { benchCommand } from "./commands/bench.ts";
import { cacheCommand } from "./commands/cache.ts";
import { chatCommand } from "./commands/chat.ts";
import { compareCommand } from "./commands/compare.ts";
import { convertCommand } from "./commands/convert.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evalCommand } from "./commands/eval.ts";
import { goldenCommand } from "./commands/golden.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { logitsCommand } from "./commands/logits.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { runCommand } from "./commands/run.ts";
import { serveCommand } from "./commands/serve.ts";
import { synthCommand } from "./commands/synth.ts";
import { templateCommand } from "./commands/template.ts";
import { tokenizeCommand } from "./commands/tokenize.ts";
import { traceCommand } from "./commands/trace.ts";
import { verifyCommand } from "./commands/verify.ts";
import { webCommand } from "./commands/web.ts";
import { UsageError } from "./exit.ts";

const examples = `
Examples:
  $ lfm2 chat                                      talk to the embedded model
  $ lfm2 chat -m LFM2-8B-A1B-Q4_0.gguf             talk to a GGUF file
  $ lfm2 chat -m hf:LiquidAI/LFM2-8B-A1B-GGUF:Q4_0  fetch it from the Hugging Face Hub, once
  $ lfm2 run -p "What is the capital of Poland?"   one answer on standard output
  $ lfm2 serve                                     answer programs that speak OpenAI's protocol
  $ lfm2 web                                       the page: a chat, a look inside, edits, in a browser
  $ lfm2 inspect LFM2-1.2B/                        what a model is and the memory it needs
  $ lfm2 doctor LFM2-1.2B-Q8_0.gguf                whether a checkpoint is what it should be
  $ lfm2 logits --ids 1,2,3 -o logits.safetensors
  $ lfm2 tokenize "Hello!"                         token ids of a text; \`lfm2 template\` does it for a conversation
  $ lfm2 trace --chat "Hello!" -o trace/           every tensor of a run
  $ lfm2 eval --against-mode exact -f text.txt     perplexity and KL divergence
  $ lfm2 golden check golden/hello                 hold a run against expected values
  $ lfm2 verify                                    whether this machine computes the same bits
  $ lfm2 bench LFM2-8B-A1B-Q4_0.gguf -t 1,2        tokens per second
  $ lfm2 quantize LFM2-1.2B/ -o LFM2-1.2B-Q4_0.gguf --type Q4_0

Exit codes: 0 done, 1 failed, 2 wrong usage or nothing to compare, 3 an answer in a format was cut, 130 stopped by
Ctrl-C (but 0 where that is how a person leaves a chat), 143 and 129 by SIGTERM and SIGHUP.
Environment: HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and HF_ENDPOINT as huggingface_hub has them; NO_COLOR=1 for no colour, LFM2_DEBUG=1 for the stack of an error.`;

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const program = new Command("lfm2")
    .description("Runs LFM2 and LFM2-MoE language models: GGUF files and Hugging Face model folders.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .enablePositionalOptions() // a subcommand's own subcommand may have options of the same names
    .addHelpText("after", examples);
  const forModels = [
    chatCommand(),
    runCommand(),
    serveCommand(),
    webCommand(),
    inspectCommand(),
    doctorCommand(),
    logitsCommand(),
    benchCommand(),
  ];
  const forNumbers = [traceCommand(), compareCommand(), evalCommand(), goldenCommand(), verifyCommand()];
  const forText = [tokenizeCommand(), templateCommand()];
  const forFiles = [quantizeCommand(), convertCommand(), synthCommand(), cacheCommand()];
  for (const command of [...forModels, ...forText, ...forNumbers, ...forFiles]) program.addCommand(command);
  // Errors are thrown, not written, so that one place reports them all.
  for (const command of [program, ...program.commands, ...program.commands.flatMap((own) => own.commands)]) {
    command
      .exitOverride()
      .configureOutput({ outputError() {} })
      .helpOption("-h, --help", "print this help");
  }
  return program;
}

/**
 * Runs a command line to its end, over this process's streams. What is done but has a negative outcome, such as a
 * comparison that differs, is reported by process.exitCode.
 *
 * @param args  what follows `lfm2`
 * @throws what `tellError` prints and maps to an exit code
 */
export async function lfm2(args: readonly string[]): Promise<void> {
  const program = createProgram();
  if (args.length === 0) {
    process.stderr.write(program.helpInformation());
    throw new UsageError({
      subject: "command",
      expected: "one of those above",
      found: "none",
      remedy: "`lfm2 --help` tells more.",
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    const asked = program.commands.find((command) => command.name() === args[0]);
    const command = ["lfm2", asked?.name()].filter(Boolean).join(" ");
    const found = error.message.replace(/^error: /, "");
    throw new UsageError({
      subject: command,
      expected: "its own options and arguments",
      found,
      remedy: `\`${command} --help\` tells more.`,
      sentence: `${found}.`,
    });
  }
}
