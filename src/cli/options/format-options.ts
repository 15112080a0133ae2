// Options about what an answer has to look like: --schema, --regex, --choice.

import { type Command, Option } from "commander";
import { plainJson } from "../../chat/exact-json.ts";
import { compileConstraint } from "../../constrain/compile.ts";
import type { ResponseFormat } from "../../index.ts";
import { errorInFile, InputError, readJson } from "../files/text-input.ts";
import { aboutFlags } from "./option-values.ts";

export interface FormatFlags {
  readonly schema?: string;
  readonly regex?: string;
  readonly choice?: readonly string[];
}

export function addSchemaOption(command: Command): Command {
  return command.option("--schema <file>", "answers are JSON that this JSON Schema allows");
}

export function addFormatOptions(command: Command): Command {
  const others = { schema: ["regex", "choice"], regex: ["schema", "choice"] };
  const add = (name: "schema" | "regex", flags: string, description: string): void => {
    command.addOption(new Option(flags, description).conflicts(others[name]));
  };
  add("schema", "--schema <file>", "the answer is JSON that this JSON Schema allows");
  add("regex", "--regex <pattern>", "the answer matches this pattern from its beginning to its end");
  return command.addOption(
    new Option("--choice <text>", "the answer is this text, or another --choice").argParser(
      (text, before: string[] = []) => [...before, text],
    ),
  );
}

/** The format that is asked for, checked before a model is opened. */
export async function readFormat({ schema, regex, choice }: FormatFlags): Promise<ResponseFormat | undefined> {
  const format = await statedFormat(schema, regex, choice);
  if (format === undefined) return undefined;
  try {
    compileConstraint({ responseFormat: format, callMarkers: undefined, thought: undefined });
  } catch (cause) {
    throw schema === undefined ? aboutFlags(cause) : errorInFile(schema, cause);
  }
  return format;
}

/** @throws InputError for an integer that JavaScript would round: a rounded `const` or `maximum` would be another one */
async function readSchema(path: string): Promise<unknown> {
  const schema = await readJson(path, "a JSON Schema");
  const large = findBigint(schema);
  if (large === undefined) return plainJson(schema);
  throw new InputError({ subject: path, expected: "integers up to 2⁵³ − 1 in a JSON Schema", found: `${large}` });
}

function findBigint(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? undefined : value;
  if (typeof value !== "object" || value === null) return undefined;
  for (const member of value instanceof Map ? value.values() : Object.values(value)) {
    const found = findBigint(member);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function statedFormat(
  schema: string | undefined,
  pattern: string | undefined,
  choices: readonly string[] | undefined,
): Promise<ResponseFormat | undefined> {
  if (schema !== undefined) return { type: "json_schema", schema: await readSchema(schema) };
  if (pattern !== undefined) return { type: "regex", pattern };
  return choices && { type: "choice", choices };
}
