// Every command that README and docs show has the options that it is shown with.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lfm2 } from "../cli/lfm2.ts";

const root = new URL("../../", import.meta.url);
const documents = ["README.md", ...readdirSync(new URL("docs", root)).map((name) => `docs/${name}`)];

interface Shown {
  readonly document: string;
  readonly line: string;
  /** The subcommand, and its own: "golden check". */
  readonly command: string;
  readonly flags: readonly string[];
}

const subcommands: Readonly<Record<string, readonly string[]>> = {
  golden: ["make", "check"],
  eval: ["merge"],
  bench: ["plot"],
  cache: ["list", "remove"],
};

function shownIn(document: string): Shown[] {
  if (!document.endsWith(".md")) return [];
  const text = readFileSync(new URL(document, root), "utf8");
  return [...text.matchAll(/^ {4}(?:npm run -s )?lfm2 (?:-- )?(.+)$/gm)].map(([line, rest]) => {
    // Behind three blanks stands what the command does, in words; flags are named there, too.
    const [name, second] = rest.split(/\s+/);
    const own = subcommands[name]?.includes(second) ? `${name} ${second}` : name;
    const flags = [...rest.matchAll(/(?<=\s)(--[a-z][a-z-]*|-[a-zA-Z])(?=[\s,;]|$)/g)].map(([flag]) => flag);
    return { document, line: line.trim(), command: own, flags };
  });
}

const shown = documents.flatMap(shownIn);

describe("a command in README or docs", () => {
  it("is there at all", () => {
    expect(shown.length).toBeGreaterThan(30);
    expect(shown.some(({ flags }) => flags.length > 2)).toBe(true);
  });

  const commands = [...new Set(shown.map(({ command }) => command))].filter((command) => !command.includes("|"));

  it.each(commands)("lfm2 %s has every option that it is shown with", async (command) => {
    const { code, stdout } = await lfm2([...command.split(" "), "--help"]);
    expect(code).toBe(0);
    const unknown = shown
      .filter((each) => each.command === command)
      .flatMap(({ document, line, flags }) =>
        flags
          .filter((flag) => !new RegExp(`(^|[\\s,])${flag}([\\s,]|$)`, "m").test(stdout))
          .map((flag) => `${document}: ${line}: ${flag}`),
      );
    expect(unknown).toEqual([]);
  });
});
