// Options about tools: what the model may call, and the command that runs a call.
import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { savedTools } from "../../conversation/saved-conversation.ts";
import { UsageError } from "../exit.ts";
import { errorInFile, readJson } from "../files/text-input.ts";
import { integerOf } from "../options/option-values.ts";
import { commandWords } from "./run-tool.ts";

export interface ToolFlags {
  readonly tools?: string;
  readonly toolCmd?: string;
  readonly toolTimeout: number;
}

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
    .option("--tool-timeout <seconds>", "how long a call may take", integerOf("--tool-timeout", 1), 60);
}

export function addMcpOptions(command: Command): Command {
  const servers = new Option(
    "--mcp <file>",
    "MCP servers whose tools the model may call: a file as other clients have it, with mcpServers or servers",
  );
  return command
    .addOption(servers.conflicts(["tools", "toolCmd"]))
    .option("--yes <name...>", "tools of these servers that run without asking; without a terminal, no others run");
}

/**
 * @returns the tools as they are written, for the template
 * @throws InputError naming the file and the tool at fault; UsageError for a command without tools
 */
export async function readTools({ tools: path, toolCmd }: Partial<ToolFlags>): Promise<readonly unknown[] | undefined> {
  if (toolCmd !== undefined && !existsSync(toolCmd) && commandWords(toolCmd).length === 0) {
    throw new UsageError({ subject: "--tool-cmd", expected: "a command", found: JSON.stringify(toolCmd) });
  }
  if (path === undefined) {
    if (toolCmd === undefined) return undefined;
    throw new UsageError({ subject: "--tool-cmd", expected: "--tools FILE beside it", found: "none" });
  }
  const found = await readJson(path, "a list of tools");
  try {
    return savedTools(found);
  } catch (error) {
    throw errorInFile(path, error);
  }
}
