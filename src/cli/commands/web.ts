// `lfm2 web`: the page, served on this machine, or written as files for any host.
import { existsSync, readdirSync } from "node:fs";
import { Command } from "commander";
import { createPageApp } from "../../server/page-app.ts";
import { UsageError } from "../exit.ts";
import { copyPage, pageFiles, readingFrom } from "../files/page-files.ts";
import { type AddressFlags, addAddressOptions, listenAt } from "../options/address-options.ts";
import { abortOnInterrupt } from "../signals.ts";
import { note } from "../terminal/terminal.ts";

interface WebFlags extends AddressFlags {
  readonly output?: string;
}

const PORT = 9932;
const GRACE_MS = 2000;

const notes = `
Examples:
  $ lfm2 web                     then open http://127.0.0.1:${PORT}
  $ lfm2 web -o site             files that any host can serve

The page runs models in the browser: a chat, a look inside, edits, comparisons. The server sends files and nothing else,
and learns nothing of what is said. Ctrl-C ends it.`;

export function webCommand(): Command {
  const command = new Command("web").description("serve the page that runs models in a browser");
  return addAddressOptions(command, PORT)
    .option("-o, --output <folder>", "write the page's files there instead, for another host")
    .addHelpText("after", notes)
    .action(run);
}

async function run({ host, port, output }: WebFlags): Promise<void> {
  const files = pageFiles();
  if (output !== undefined) {
    if (existsSync(output) && readdirSync(output).length > 0) {
      throw new UsageError({
        subject: "--output",
        expected: "a folder that is empty, or not there",
        found: `files in ${output}`,
        remedy: "Name another one.",
      });
    }
    await copyPage(files, output);
    note(`Wrote ${files.size} files to ${output}.`);
    return;
  }
  const interrupt = abortOnInterrupt(["SIGINT", "SIGTERM"]);
  const app = createPageApp({ host, file: readingFrom(files) });
  const listening = await listenAt(app, { host, port });
  note(`The page is at ${listening.url}`);
  await new Promise<void>((resolve) => {
    if (interrupt.aborted) resolve();
    interrupt.addEventListener("abort", () => resolve(), { once: true });
  });
  await listening.close(GRACE_MS);
}
