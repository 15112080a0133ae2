// Errors in parts: one message from them, the same fields at the other end of a thread.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { open } from "../src/index.ts";
import { Lfm2Error, plainError, revivedError } from "../src/lfm2-error.ts";
import { OptionError } from "../src/options/option-error.ts";

const parts = { subject: "threads", expected: "an integer", found: 0.5, remedy: "Round it.", options: ["threads"] };
const fieldsOf = (error: unknown) => {
  const { kind, subject, expected, found, remedy } = error as Lfm2Error;
  return { kind, subject, expected, found, remedy };
};

describe("an error's message", () => {
  it("is made of its fields", () => {
    expect(new OptionError(parts).message).toBe("threads: expected an integer, found 0.5. Round it.");
    expect(new OptionError({ ...parts, remedy: undefined }).message).toBe("threads: expected an integer, found 0.5.");
  });

  it("is a sentence of its own where they do not make one", () => {
    const error = new Lfm2Error({ ...parts, sentence: "The thread died." });
    expect(error.message).toBe("The thread died. Round it.");
    expect(error.subject).toBe("threads");
  });
});

describe("an error of another thread", () => {
  const sent = (error: unknown): Error => revivedError(structuredClone(plainError(error)));

  it("has its name, message and fields", () => {
    for (const sentence of [undefined, "The thread died."]) {
      const error = new OptionError({ ...parts, sentence });
      const revived = sent(error);
      expect(revived).toBeInstanceOf(Lfm2Error);
      expect(revived).toMatchObject({ ...error, name: "OptionError", message: error.message, kind: "OptionError" });
      // And when it is handed on once more.
      expect(plainError(revived)).toEqual(plainError(error));
    }
  });

  it("has its name and message where it is none of ours", () => {
    expect(sent(new RangeError("too far"))).toMatchObject({ name: "RangeError", message: "too far" });
    expect(sent("thrown as it is")).toMatchObject({ name: "Error", message: "thrown as it is" });
    expect(sent(new RangeError("too far"))).not.toBeInstanceOf(Lfm2Error);
  });
});

describe("at the caller", () => {
  it("an error from the model's thread has its fields", async () => {
    const error = await open(undefined, { contextLength: 1_000_000 }).catch((found: unknown) => found);
    expect(fieldsOf(error)).toEqual({
      kind: "OptionError",
      subject: "contextLength",
      expected: "an integer in [1, 4096] (max_position_embeddings)",
      found: "1000000",
      remedy: "",
    });
  });

  it("errors from the text thread and from a closed model have theirs", async () => {
    const model = await open();
    const choice = { type: "regex", pattern: "(" } as const;
    const refused = await model
      .complete("x", { responseFormat: choice })
      .next()
      .catch((found: unknown) => found);
    expect(fieldsOf(refused)).toMatchObject({ kind: "ConstraintError", subject: "pattern", remedy: "" });
    await model.close();
    const closed = await model.logits([1]).catch((found: unknown) => found);
    expect(fieldsOf(closed)).toMatchObject({
      kind: "WorkerError",
      subject: "model",
      remedy: "Open it again to use it.",
    });
  });
});

it("every error class has the fields, but those that never leave their room", () => {
  const src = fileURLToPath(new URL("../src", import.meta.url));
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const parents = new Map(
    files.flatMap((file) =>
      Array.from(
        readFileSync(join(src, file), "utf8").matchAll(/class (\w+) extends (\w*Error)\b/g),
        ([, name, parent]) => [name, parent] as const,
      ),
    ),
  );
  const hasFields = (name: string | undefined): boolean =>
    name === "Lfm2Error" || (name !== undefined && hasFields(parents.get(name)));
  const bare = [...parents.keys()].filter((name) => name === "Lfm2Error" || !hasFields(name));
  // Ctrl-C is no error, and says nothing.
  const inner = [
    "BrokenWhole",
    "Interrupted",
    "Lfm2Error",
    "PassingError",
    "RequestFailure",
    "TemplateBudgetError",
    "TemplateRaised",
    "UnknownNumbers",
    "Unreadable",
  ];
  expect(bare.sort()).toEqual(inner);
});
