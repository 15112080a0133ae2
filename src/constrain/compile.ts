// What output may look like, as a caller states it, and the rules for the model's thread that follow from it.
//
// Written here because the one maintained library falls short: @mlc-ai/web-xgrammar 0.1.27 cannot be imported as a module
// in Node, nor in a worker of a page without a bundler; its grammar of {"minimum": 1.5, "maximum": 3} allows 3.1, and it
// ignores multipleOf silently.
import type { ConstraintRules, Thought } from "./constraint.ts";
import { ConstraintError, shown } from "./error.ts";
import { choice, type Expression } from "./grammar.ts";
import { GrammarBuilder } from "./grammar-builder.ts";
import { jsonNotation } from "./notation.ts";
import { asJson } from "./schema/schema.ts";
import { SchemaGrammar } from "./schema/schema-grammar.ts";
import { PLAIN, spell } from "./spelling.ts";
import { wordsMachine } from "./text/machine.ts";
import { parseRegex } from "./text/regex.ts";
import { regexMachine } from "./text/regex-machine.ts";
import { type CallMarkers, toolCalls } from "./tool-calls.ts";

/** What an answer has to look like. */
export type ResponseFormat =
  /** A text of JSON that the schema allows. */
  | { readonly type: "json_schema"; readonly schema: unknown }
  /** Any JSON object. */
  | { readonly type: "json_object" }
  /** The pattern, a regular expression of JavaScript with the `u` flag, matches the whole answer. */
  | { readonly type: "regex"; readonly pattern: string }
  | { readonly type: "choice"; readonly choices: readonly string[] };

/**
 * Whether tools may be called: not at all, by the model's choice, at once, or at once and by this name. Calls then have
 * the names and arguments of the tools that are given.
 */
export type ToolChoice = "none" | "auto" | "required" | { readonly name: string };

export interface ConstraintRequest {
  readonly responseFormat?: ResponseFormat;
  readonly tools?: readonly unknown[];
  readonly toolChoice?: ToolChoice;
  /** Absent when the vocabulary has no such tokens. */
  readonly callMarkers: CallMarkers | undefined;
  readonly thought: Thought | undefined;
}

const MAX_CHOICES = 10_000;
const MAX_CHOICE_CHARACTERS = 1_000_000;

/** @throws ConstraintError naming the part of the request that output cannot be held to */
export function compileConstraint(request: ConstraintRequest): ConstraintRules {
  const { responseFormat, thought } = request;
  const { tools = [], toolChoice = responseFormat === undefined || tools.length === 0 ? "none" : "auto" } = request;
  const builder = new GrammarBuilder(responseFormat === undefined ? "tools" : subjectOf(responseFormat));
  if (toolChoice === "none") {
    const forbidden = request.callMarkers === undefined ? [] : [request.callMarkers.start];
    if (responseFormat === undefined) return { thought, forbidden };
    return { thought, grammar: builder.build(formatOf(responseFormat, builder)) };
  }
  const only = typeof toolChoice === "object" && toolChoice !== null ? toolChoice.name : undefined;
  if (toolChoice !== "auto" && toolChoice !== "required" && typeof only !== "string") {
    throw new ConstraintError({
      subject: "toolChoice",
      expected: '"none", "auto", "required" or { name }',
      found: shown(toolChoice),
    });
  }
  const { callMarkers } = request;
  if (callMarkers === undefined) {
    throw new ConstraintError({
      subject: "toolChoice",
      expected: "a model whose vocabulary has <|tool_call_start|> and <|tool_call_end|>",
      found: "none",
    });
  }
  const calls = toolCalls(tools, only, callMarkers, builder);
  if (toolChoice !== "auto") return { thought, grammar: builder.build(calls) };
  if (responseFormat === undefined) {
    return { thought, grammar: builder.build(calls), trigger: callMarkers.start };
  }
  return {
    thought,
    grammar: builder.build(choice(calls, formatOf(responseFormat, builder))),
  };
}

function formatOf(format: ResponseFormat, builder: GrammarBuilder): Expression {
  const subject = subjectOf(format);
  switch (format?.type) {
    case "json_schema": {
      const schema = asJson(format.schema, subject);
      return new SchemaGrammar(schema, subject, builder, jsonNotation(builder)).value(schema, subject);
    }
    case "json_object":
      return new SchemaGrammar(true, subject, builder, jsonNotation(builder)).anyObject();
    case "regex":
      if (typeof format.pattern !== "string") {
        throw new ConstraintError({ subject, expected: "a string", found: shown(format.pattern) });
      }
      return spell(
        regexMachine(parseRegex(format.pattern, subject), subject, builder.budget, { whole: true }),
        PLAIN,
        builder,
      );
    case "choice":
      return spell(wordsMachine(checkChoices(format.choices, subject), subject), PLAIN, builder);
    default:
      throw new ConstraintError({
        subject: "responseFormat.type",
        expected: '"json_schema", "json_object", "regex" or "choice"',
        found: shown((format as { type?: unknown } | undefined)?.type),
      });
  }
}

const SUBJECTS: Readonly<Record<string, string>> = { json_schema: "schema", regex: "pattern", choice: "choices" };
const subjectOf = (format: ResponseFormat | undefined): string => SUBJECTS[format?.type ?? ""] ?? "responseFormat";

function checkChoices(choices: unknown, subject: string): readonly string[] {
  if (!Array.isArray(choices) || choices.length === 0 || !choices.every((choice) => typeof choice === "string")) {
    throw new ConstraintError({ subject, expected: "a list of texts", found: shown(choices) });
  }
  const size = choices.reduce((sum, choice) => sum + choice.length, 0);
  if (choices.length > MAX_CHOICES || size > MAX_CHOICE_CHARACTERS) {
    throw new ConstraintError({
      subject,
      expected: `at most ${MAX_CHOICES} texts of ${MAX_CHOICE_CHARACTERS} characters together`,
      found: `${choices.length} of ${size}`,
    });
  }
  const broken = choices.findIndex((choice) => /\p{Cs}/u.test(choice));
  if (broken >= 0) {
    throw new ConstraintError({
      subject: `${subject}[${broken}]`,
      expected: "text",
      found: "half a surrogate pair in it",
    });
  }
  return choices;
}
