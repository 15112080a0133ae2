// A request's body: JSON within bounds, held against a schema.
import type { Context } from "hono";
import type { ZodType, z } from "zod";
import { checkSize } from "../../chat/messages.ts";
import { shown } from "../../options/option-error.ts";
import { RequestFailure } from "../failure.ts";

/** What bodies may hold: each, and all of the requests that are answered or wait. */
export interface BodyRoom {
  /** For one request. */
  enter(): BodyPlace;
}

export interface BodyPlace {
  /** @throws RequestFailure: 413 for too long a body, 429 where all together would hold too much */
  take(bytes: number): void;
  leave(): void;
}

export interface BodyLimits {
  readonly each: number;
  /** Of what is beyond `free` in each. */
  readonly together: number;
  /** The beginning of each body, which takes nothing of the common room, … */
  readonly free: number;
  /** … of so many bodies at once: nothing else bounds how many connections send one. */
  readonly freeBodies: number;
}

/** Read before the queue bounds their number; parsed, they take several times as much. */
export function createBodyRoom(most: BodyLimits): BodyRoom {
  let held = 0;
  let freeBodies = 0;
  return {
    enter() {
      let own = 0;
      let free: number | undefined;
      const counted = (bytes: number): number => Math.max(0, bytes - (free ?? 0));
      return {
        take(bytes) {
          if (own + bytes > most.each) {
            const message = `Body: expected at most ${most.each} bytes, found more.`;
            throw new RequestFailure({ status: 413, message });
          }
          if (free === undefined) {
            free = freeBodies < most.freeBodies ? most.free : 0;
            if (free > 0) freeBodies++;
          }
          const more = counted(own + bytes) - counted(own);
          // Where none is asked for, none can be lacking.
          if (more > 0 && held + more > most.together) {
            const message = `Too many large requests: ${held} bytes are held, of at most ${most.together}. Try again later.`;
            throw new RequestFailure({ status: 429, message, code: "bodies_full", retryAfterS: 1 });
          }
          own += bytes;
          held += more;
        },
        leave() {
          held -= counted(own);
          if (free) freeBodies--;
          own = 0;
          free = undefined;
        },
      };
    },
  };
}

async function textOf(c: Context, most: number, place: BodyPlace): Promise<string> {
  // What is stated is refused before it is sent; what is sent is counted, as a statement holds nothing.
  const stated = Number(c.req.header("content-length") ?? 0);
  if (stated > most) place.take(stated);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    place.take(chunk.length);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * @param most  bytes of this body
 * @throws RequestFailure: 400 naming the field, what was expected and what was found; what `place.take` throws
 */
export async function readBody<Schema extends ZodType>(
  c: Context,
  schema: Schema,
  most: number,
  place: BodyPlace,
): Promise<z.output<Schema>> {
  const text = await textOf(c, most, place);
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
