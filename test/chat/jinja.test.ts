import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "../../src/chat/exact-json.ts";
import { compileJinja } from "../../src/chat/jinja/jinja.ts";

const january = new Date(2026, 0, 31, 12);

interface Golden {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly source: string; readonly text?: string; readonly fails?: true }[];
}

const { variables, cases } = parseExactJson(
  readFileSync(new URL("../../golden/text/jinja.json", import.meta.url), "utf8"),
  { keepOrder: true },
) as Golden;

describe("a template writes what Python's jinja2 writes", () => {
  for (const { source, text } of cases) {
    it(JSON.stringify(source), () => {
      const run = () => compileJinja(source)(variables, january);
      if (text === undefined) expect(run).toThrow();
      else expect(run()).toBe(text);
    });
  }
});
