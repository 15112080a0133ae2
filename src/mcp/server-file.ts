// The file that lists MCP servers, as other clients have it: `mcpServers` (Claude, Cursor, …) or `servers` (VS Code).
import { z } from "zod";
import { McpError } from "./mcp-error.ts";

/** A program that speaks MCP through its standard input and output. */
export interface StdioServer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the few variables that every server gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** An address that speaks MCP's streamable HTTP. */
export interface HttpServer {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type McpServer = StdioServer | HttpServer;

export const MAX_SERVERS = 64;

const texts = z.record(z.string(), z.string());
const entry = z.object({
  type: z.string().optional(),
  command: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
  cwd: z.string().optional(),
  url: z.string().optional(),
  headers: texts.optional(),
  disabled: z.boolean().optional(),
});
const fileForm = z.union([
  z.object({ mcpServers: z.record(z.string(), z.unknown()) }).transform(({ mcpServers }) => mcpServers),
  z.object({ servers: z.record(z.string(), z.unknown()) }).transform(({ servers }) => servers),
]);

const HTTP_TYPES: readonly string[] = ["http", "streamable-http", "streamableHttp"];

/**
 * Servers that are not `disabled`. `${NAME}`, `${NAME:-default}` and `${env:NAME}` in a text stand for variables of
 * `environment`.
 *
 * @param found  plain JSON
 * @throws McpError naming the server and the member at fault; values are not repeated, since some are secrets
 */
export function readServers(found: unknown, environment: Readonly<Record<string, string | undefined>>): McpServer[] {
  const file = fileForm.safeParse(found);
  if (!file.success) {
    throw new McpError({
      subject: "the file",
      expected: 'an object with "mcpServers" or "servers", each under its name',
      found: kindOf(found),
    });
  }
  const entries = Object.entries(file.data);
  if (entries.length > MAX_SERVERS) {
    throw new McpError({ subject: "the file", expected: `at most ${MAX_SERVERS} servers`, found: entries.length });
  }
  return entries.flatMap(([name, stated]) => readServer(name, stated, environment) ?? []);
}

function readServer(
  name: string,
  stated: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): McpServer | undefined {
  const subject = `server ${JSON.stringify(name)}`;
  const read = entry.safeParse(stated, { error: (issue) => `${expectedBy(issue)}|${kindOf(issue.input)}` });
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    const [expected, kind] = message.split("|");
    throw new McpError({ subject: [subject, ...path].join(", "), expected, found: kind });
  }
  const { type = "", command, args = [], env = {}, cwd, url, headers = {}, disabled } = read.data;
  if (disabled) return undefined;
  const fill = (text: string): string => withVariables(text, subject, environment);
  const fillEach = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).map(([key, text]) => [key, fill(text)]));
  if ((command === undefined) === (url === undefined)) {
    const given = command === undefined ? "neither" : "both";
    throw new McpError({ subject, expected: "a command or a url", found: given });
  }
  if (command !== undefined) {
    return {
      ...{ name, command: fill(command), args: args.map(fill), env: fillEach(env) },
      ...(cwd !== undefined && { cwd: fill(cwd) }),
    };
  }
  if (type !== "" && !HTTP_TYPES.includes(type)) {
    throw new McpError({
      subject: `${subject}, type`,
      expected: "http, which is streamable HTTP",
      found: JSON.stringify(type),
      remedy: "Ask whoever runs the server for its address of streamable HTTP; it often ends with /mcp.",
    });
  }
  const address = fill(url as string);
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new McpError({
      subject: `${subject}, url`,
      expected: "an address with http or https",
      found: "another text",
    });
  }
  return { name, url: address, headers: fillEach(headers) };
}

function withVariables(
  text: string,
  subject: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return text.replace(/\$\{([^}]*)\}/g, (whole, inner: string) => {
    const [, name, fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? [];
    const value = name === undefined ? undefined : (environment[name] ?? fallback);
    if (value !== undefined) return value;
    throw new McpError({
      subject: `${subject}, ${whole}`,
      expected: "a variable of the environment that is set",
      found: name === undefined ? "something else" : "one that is not",
      remedy: name === undefined ? "Write the value itself." : `Set ${name}, or write \${${name}:-DEFAULT}.`,
    });
  });
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  undefined: "nothing",
};

function expectedBy(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "too_small") return "a text that is not empty";
  return (issue.code === "invalid_type" && KINDS[issue.expected]) || "an object";
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty text";
  return KINDS[Array.isArray(value) ? "array" : typeof value] ?? "another object";
}
