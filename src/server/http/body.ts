// A request's body: JSON within bounds, held against a schema.
import type { Context } from "hono";
import type { ZodType, z } from "zod";
import { checkSize } from "../../chat/messages.ts";
import { shown } from "../../options/option-error.ts";
import { RequestFailure } from "../failure.ts";

/** @throws RequestFailure (400) naming the field, what was expected and what was found */
export async function readBody<Schema extends ZodType>(c: Context, schema: Schema): Promise<z.output<Schema>> {
  const text = await c.req.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new RequestFailure({ status: 400, message: `Body: expected JSON, found other text (${found}).` });
  }
  checkSize(json, "Body");
  const read = parsed(schema, json, {
    error: (issue) => `expected ${expectedBy(issue)}, found ${shown(issue.input)}.`,
  });
  if (read.success) return read.data;
  const [{ path, message }] = read.error.issues;
  const param = path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}${text === "" ? "" : "."}${String(key)}`),
    "",
  );
  throw new RequestFailure({ status: 400, message: `${param || "Body"}: ${message}`, param: param || undefined });
}

/** Of a list with a hundred thousand wrong values, zod hands on all issues as arguments of one call. */
function parsed<Schema extends ZodType>(
  schema: Schema,
  json: unknown,
  options: Parameters<Schema["safeParse"]>[1],
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(json, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RequestFailure({
      status: 400,
      message: "Body: expected the fields that /docs tells of, found other ones.",
    });
  }
}

function expectedBy(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return KINDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(", ");
    case "too_small":
      return `at least ${issue.minimum}${issue.origin === "array" ? " of them" : ""}`;
    case "too_big":
      return `at most ${issue.maximum}${issue.origin === "array" ? " of them" : ""}`;
    case "invalid_union":
      return "one of the forms that /docs tells of";
    default:
      return "what /docs tells of";
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};
