import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "../../src/chat/exact-json.ts";
import { templateValue } from "../../src/chat/provenance.ts";
import { compileJinja } from "../../src/jinja/jinja.ts";
import { JinjaError } from "../../src/jinja/tokens.ts";

const january = new Date(2026, 0, 31, 12);

interface Golden {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly source: string; readonly text?: string; readonly fails?: true }[];
}

const { variables, cases } = parseExactJson(
  readFileSync(new URL("../../golden/text/jinja.json", import.meta.url), "utf8"),
) as Golden;

describe.each([
  ["trusted", true],
  ["untrusted", false],
] as const)("a template writes what Python's jinja2 writes, over %s values", (_, isTrusted) => {
  for (const { source, text } of cases) {
    it(JSON.stringify(source), () => {
      const values = Object.entries(variables).map(([name, value]) => [name, templateValue(value, isTrusted)] as const);
      const run = () => compileJinja(source)(values, january).value;
      if (text === undefined) expect(run).toThrow(JinjaError);
      else expect(run()).toBe(text);
    });
  }
});
