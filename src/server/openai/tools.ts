// Tools and formats as OpenAI's protocols state them.
import { z } from "zod";
import type { ChatOptions, ResponseFormat } from "../../index.ts";
import { refused } from "../failure.ts";

export const toolField = z.looseObject({
  type: z.string().nullish(),
  function: z.looseObject({ name: z.string(), strict: z.boolean().nullish() }).optional(),
});

export const toolChoiceField = z
  .union([
    z.enum(["none", "auto", "required"]),
    z.looseObject({
      type: z.string(),
      function: z.looseObject({ name: z.string() }).optional(),
      name: z.string().optional(),
    }),
  ])
  .nullish();

export const formatField = z
  .looseObject({
    type: z.string(),
    json_schema: z.looseObject({ schema: z.unknown() }).optional(),
    schema: z.unknown().optional(),
    pattern: z.string().optional(),
    choices: z.array(z.string()).optional(),
  })
  .nullish();

export interface FunctionTool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly strict?: boolean | null };
}

/**
 * Tools of other kinds, which a client's own service would run, are left out: clients send all they have.
 * Calls are held to their schemas where a tool says `strict`; else the model writes them as it likes.
 */
export function toolOptions(
  tools: readonly FunctionTool[],
  choice: z.output<typeof toolChoiceField>,
): Pick<ChatOptions, "tools" | "toolChoice"> {
  if (tools.length === 0) return {};
  const stated = tools.map(({ type, function: { strict, ...described } }) => ({ type, function: described }));
  const isStrict = tools.some((tool) => tool.function.strict === true);
  if (choice === undefined || choice === null || choice === "auto") {
    return { tools: stated, ...(isStrict && { toolChoice: "auto" }) };
  }
  if (typeof choice === "string") return { tools: stated, toolChoice: choice };
  const name = choice.function?.name ?? choice.name;
  if (name === undefined) return { tools: stated };
  if (!tools.some((tool) => tool.function.name === name)) {
    throw refused("tool_choice", `one of ${tools.map((tool) => tool.function.name).join(", ")}`, name);
  }
  return { tools: stated, toolChoice: { name } };
}

export function formatOf(format: z.output<typeof formatField>): ResponseFormat | undefined {
  if (format === undefined || format === null || format.type === "text") return undefined;
  const { type, json_schema: nested, schema, pattern, choices } = format;
  // llama.cpp's server takes a schema here.
  if (type === "json_object" && schema !== undefined) return { type: "json_schema", schema };
  if (type === "json_object") return { type };
  if (type === "json_schema") {
    const own = nested?.schema ?? schema;
    if (own === undefined) throw refused("response_format.json_schema.schema", "a JSON schema", "none");
    return { type, schema: own };
  }
  if (type === "regex" && pattern !== undefined) return { type, pattern };
  if (type === "choice" && choices !== undefined) return { type, choices };
  throw refused("response_format.type", "text, json_object, json_schema, regex or choice", JSON.stringify(type));
}
