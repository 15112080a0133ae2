// What answers and events are held to: OpenAI's published schemas, and the types that the official clients declare.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { schemasOfTypes } from "./type-schemas.ts";

export interface Form {
  /** @returns the value @throws what is wrong with it */
  // biome-ignore lint/suspicious/noExplicitAny: as JSON.parse has it
  parse(value: unknown): any;
}

type Check = (value: unknown) => string | undefined;

// Published schemas say of formats what they like, and mix dialects.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const published = JSON.parse(readFileSync(new URL("../../golden/openai/schemas.json", import.meta.url), "utf8"));
ajv.addSchema({ $id: "openai", $defs: published });

const OPENAI = {
  "openai/resources": ["Completion"],
  "openai/resources/chat/completions": ["ChatCompletion", "ChatCompletionChunk"],
};
const ANTHROPIC = {
  "@anthropic-ai/sdk/resources/messages": ["Message", "RawMessageStreamEvent", "MessageTokensCount"],
  "@anthropic-ai/sdk/resources/shared": ["ErrorResponse"],
};
for (const [module, names] of Object.entries({ ...OPENAI, ...ANTHROPIC })) {
  ajv.addSchema({ $id: module, ...schemasOfTypes(module, names) });
}

function checkOf(schema: string): Check {
  const validate = ajv.compile({ $ref: schema });
  return (value) => {
    if (validate(value)) return undefined;
    const told = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${params.additionalProperty ?? ""}`,
    );
    return `${schema}: ${told.slice(0, 12).join(", ")}`;
  };
}

/** Fields of ours that OpenAI has not: its clients pass them on. */
const OURS = ["meta", "models", "reasoning_content", "routing", "timings"];
/** Open Responses wants null where OpenAI's schema wants nothing, and OpenAI's own examples have null. */
const NULL = ["usage", "user"];

function withoutOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOurs);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, own]) => !OURS.includes(name) && !(own === null && NULL.includes(name)),
  );
  return Object.fromEntries(kept.map(([name, own]) => [name, withoutOurs(own)]));
}

function form(schemas: readonly string[], theirs: (value: unknown) => unknown = (value) => value): Form {
  const checks = schemas.map(checkOf);
  return {
    parse(value) {
      const wrong = checks.map((check) => check(theirs(value))).filter((one) => one !== undefined);
      if (wrong.length > 0) throw new TypeError(`${wrong.join("; ")}\n${JSON.stringify(value).slice(0, 2000)}`);
      return value;
    },
  };
}

export const chatAnswer = form(
  ["openai#/$defs/CreateChatCompletionResponse", "openai/resources/chat/completions#/$defs/ChatCompletion"],
  withoutOurs,
);
export const chatChunk = form(
  ["openai#/$defs/CreateChatCompletionStreamResponse", "openai/resources/chat/completions#/$defs/ChatCompletionChunk"],
  withoutOurs,
);
export const completion = form(
  ["openai#/$defs/CreateCompletionResponse", "openai/resources#/$defs/Completion"],
  withoutOurs,
);
export const responseResource = form(["openai#/$defs/Response"], withoutOurs);
export const responseEvent = form(["openai#/$defs/ResponseStreamEvent"], withoutOurs);
export const openaiModelList = form(["openai#/$defs/ListModelsResponse"], withoutOurs);
export const openaiError = form(["openai#/$defs/ErrorResponse"]);

export const anthropicMessage = form(["@anthropic-ai/sdk/resources/messages#/$defs/Message"]);
/** A ping is no event that the client hands on, and so has no type. */
export const anthropicEvent = form(["@anthropic-ai/sdk/resources/messages#/$defs/RawMessageStreamEvent"], (event) =>
  (event as { readonly type?: string }).type === "ping" ? { type: "message_stop" } : event,
);
export const anthropicCount = form(["@anthropic-ai/sdk/resources/messages#/$defs/MessageTokensCount"]);
export const anthropicError = form(["@anthropic-ai/sdk/resources/shared#/$defs/ErrorResponse"]);
