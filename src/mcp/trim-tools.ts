// A list of tools that a context has room for: measured, and shortened by a rule.
import { McpError } from "./mcp-error.ts";

/** A tool as the models' template shows it, in the shorter of the two forms that people use. */
export interface FunctionTool {
  readonly name: string;
  readonly description?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface TrimmedTools {
  readonly tools: readonly FunctionTool[];
  readonly tokens: number;
  /** What was left out, in words; empty where nothing was. */
  readonly leftOut: readonly string[];
  readonly tokensBefore: number;
}

/** Of the context; the rest is for what is said. */
export const TOOLS_SHARE = 0.5;

/**
 * Tools that take at most half of the context. If they take more, the descriptions of their parameters are left out; if
 * that is not enough, their own descriptions are cut to the first sentence. Names, types and what is required always stay.
 *
 * @param count  how many tokens a list adds to a prompt
 * @param serverOf  the server that each tool is from, to tell which takes how much
 * @throws McpError with the numbers, where they take more still
 */
export async function trimTools(
  tools: readonly FunctionTool[],
  contextLength: number,
  count: (tools: readonly FunctionTool[]) => Promise<number>,
  serverOf: (tool: FunctionTool) => string,
): Promise<TrimmedTools> {
  const room = Math.floor(contextLength * TOOLS_SHARE);
  const tokensBefore = await count(tools);
  const steps: readonly [what: string, step: (tool: FunctionTool) => FunctionTool][] = [
    ["descriptions of parameters", withoutParameterTexts],
    ["what follows the first sentence of descriptions", withFirstSentence],
  ];
  let trimmed = { tools, tokens: tokensBefore, leftOut: [] as string[] };
  for (const [what, step] of steps) {
    if (trimmed.tokens <= room) break;
    const shorter = trimmed.tools.map(step);
    trimmed = { tools: shorter, tokens: await count(shorter), leftOut: [...trimmed.leftOut, what] };
  }
  if (trimmed.tokens <= room) return { ...trimmed, tokensBefore };
  const servers = new Map<string, FunctionTool[]>();
  for (const tool of trimmed.tools) servers.set(serverOf(tool), [...(servers.get(serverOf(tool)) ?? []), tool]);
  const shares: { readonly tokens: number; readonly text: string }[] = [];
  for (const [server, own] of servers) {
    const tokens = await count(own);
    shares.push({ tokens, text: `${server} ${tokens} with ${own.length}` });
  }
  shares.sort((a, b) => b.tokens - a.tokens);
  throw new McpError({
    subject: `${tools.length} tool${tools.length === 1 ? "" : "s"} of MCP servers`,
    expected: `at most ${room} tokens, half of the context of ${contextLength}`,
    found: `${tokensBefore}, and ${trimmed.tokens} with shortened descriptions (${shares.map(({ text }) => text).join(", ")})`,
    remedy: "Open the model with a larger contextLength, or leave out servers.",
    options: ["contextLength"],
  });
}

function withoutParameterTexts(tool: FunctionTool): FunctionTool {
  return { ...tool, parameters: withoutTexts(tool.parameters) as FunctionTool["parameters"] };
}

/** Keywords whose members are named by the schema's author: `description` may be one of the names. */
const NAMED: readonly string[] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/** Keywords whose values are no schemas. */
const VALUES: readonly string[] = ["enum", "const", "default", "required"];
const TEXTS: readonly string[] = ["description", "title", "examples", "$comment", "$schema"];

function withoutTexts(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutTexts);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => !TEXTS.includes(key));
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (VALUES.includes(key)) return [key, value];
      const isNamed = NAMED.includes(key) && typeof value === "object" && value !== null && !Array.isArray(value);
      if (!isNamed) return [key, withoutTexts(value)];
      return [key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutTexts(inner)]))];
    }),
  );
}

function withFirstSentence(tool: FunctionTool): FunctionTool {
  const { description } = tool;
  return description === undefined ? tool : { ...tool, description: firstSentence(description) };
}

/** Up to the first full stop that a blank follows and a lower-case letter does not, or the first line. */
export function firstSentence(text: string): string {
  const line = text.trim().split("\n", 1)[0].trim();
  return /^.*?[.!?](?=\s+[^\sa-z])/.exec(line)?.[0] ?? line;
}
