import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileJinja } from "../../src/jinja/jinja.ts";
import { Text, untrustedText } from "../../src/jinja/text.ts";
import { List, namedDict, type Value } from "../../src/jinja/values.ts";

const now = new Date(2026, 0, 31);
const run = (source: string, variables: Record<string, Value>): Text =>
  compileJinja(source)(Object.entries(variables), now);

/** The characters of a text that are marked as untrusted. */
function markedIn({ value, untrusted }: Text): string {
  let marked = "";
  for (let i = 0; i < untrusted.length; i += 2) marked += value.slice(untrusted[i], untrusted[i + 1]);
  return marked;
}

// Trusted text is made of letters, untrusted text of digits, so that the result tells where each character came from.
const letters = fc.string({ unit: fc.constantFrom(..."abcdefgxé"), maxLength: 8 });
const digits = fc.string({ unit: fc.constantFrom(..."0123456789𝟘"), minLength: 1, maxLength: 8 });
const isDigit = /[0-9𝟘]/gu;

describe("marks stay on the characters they are on", () => {
  it.each([
    "{{ t }}{{ u }}{{ t }}",
    "{{ t + u }}{{ u + t + u }}{{ u ~ t ~ u }}",
    "{{ u * 3 ~ t }}",
    "{{ (t ~ u)[1:] }}{{ (t ~ u)[:-1] }}{{ (u ~ t)[::-1] }}{{ (t ~ u)[-1] }}{{ u[0] }}",
    "{{ (' ' ~ t ~ u ~ '\n') | trim }}{{ (t ~ u).strip('abx') }}{{ (u ~ t).rstrip('abx') }}{{ (t ~ u).lstrip('abx') }}",
    "{{ (t ~ 'x' ~ u ~ 'x').split('x') | join('-') }}{{ (u ~ ' ' ~ t).split() | last }}{{ (u ~ 'x' ~ u).rsplit('x', 1)[0] }}",
    "{{ (t ~ u).upper() }}{{ (u ~ t) | lower }}{{ (u ~ t) | replace('a', 'b') }}{{ (t ~ u).replace('b', u) }}{{ u.replace('', t) }}",
    "{{ [t, u] | join(u) }}{{ ', '.join([u, t]) }}",
    "{{ [t, u, {t: u, 'k': [u]}] | tojson }}{{ [u] | tojson(indent=2) }}{{ [t, u, {t: u}] }}{{ [u] | string }}",
    "{% set x %}{{ u }}{{ t }}{% endset %}{{ x }}{% set ns = namespace(v='') %}{% set ns.v = ns.v + u %}{{ ns.v }}",
    "{% macro m(a, b=u) %}<{{ a }}{{ b }}>{% endmacro %}{{ m(t) }}{{ m(u, t) }}{% filter upper %}{{ t }}{{ u }}{% endfilter %}",
    "{% for c in t ~ u %}{{ c }}{{ loop.index is odd }}{% endfor %}{% for k, v in {t: u}.items() %}{{ v ~ k }}{% endfor %}",
    "{{ u if u else t }}{{ u or t }}{{ none | default(u) }}{{ [u, t] | first }}{{ [u, t] | sort | join }}{{ {t: u}.get(t) }}",
    "{{ '{}-{}'.format(t, u) }}{{ (t ~ '\n' ~ u) | indent(2, true) }}{{ (u ~ '\n' ~ t).splitlines() | join }}{{ (t ~ 'x' ~ u).partition('x') | join }}",
    "{{ [u, t] | map('upper') | join }}{{ [{'k': u}] | map(attribute='k') | first }}{{ u.zfill(12) | replace('0', '') if '0' not in u else u }}",
  ])("%s", (source) => {
    fc.assert(
      fc.property(letters, digits, (t, u) => {
        const written = run(source, { t: new Text(t), u: untrustedText(u) });
        expect(markedIn(written)).toBe((written.value.match(isDigit) ?? []).join(""));
        expect(written.value).toBe(run(source, { t: new Text(t), u: new Text(u) }).value);
      }),
      { numRuns: 60 },
    );
  });

  it("what an escape writes belongs to the character it stands for", () => {
    const u = untrustedText('"\n\\');
    expect(markedIn(run("{{ [u, 'a\n'] | tojson }}", { u }))).toBe('\\"\\n\\\\');
    expect(markedIn(run("{{ [u] }}", { u: untrustedText("\u0000'\"") }))).toBe("\\x00\\'\"");
  });

  it("keys of a dict have marks of their own", () => {
    const d = namedDict([["a", untrustedText("1")]]);
    expect(markedIn(run("{{ d | tojson }}", { d }))).toBe("1");
  });

  it("text that cannot be traced counts as untrusted as a whole", () => {
    // The sigma is a final one only while its word is cut in two.
    const written = run("{{ (u ~ t) | lower }}", { u: untrustedText("ΑΣ"), t: new Text("Α") });
    expect(written.value).toBe("ασα");
    expect(markedIn(written)).toBe("ασα");
    expect(markedIn(run("{{ (t ~ u) | capitalize }}", { u: untrustedText("AB"), t: new Text("x") }))).toBe("Xab");
  });
});

describe("a template from a stranger ends", () => {
  it.each([
    ["{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "67108864"],
    ["{{ 'ab' * 10 ** 9 }}", "67108864"],
    ["{{ [0] * 10 ** 9 }}", "67108864"],
    ["{{ 2 ** 100000 }}", "4096 bits"],
    ["{% set ns = namespace(n=3) %}{% for i in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}", "4096 bits"],
    ["{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "at most 200 calls"],
    [`{{ ${"(".repeat(1000)}1${")".repeat(1000)} }}`, "at most 200 expressions"],
    [`{{ ${"-".repeat(1000)}1 }}`, "at most 200 expressions"],
    [`{{ ${"not ".repeat(1000)}1 }}`, "at most 200 expressions"],
    [`{{ ${"[".repeat(1000)}${"]".repeat(1000)} }}`, "at most 200 expressions"],
    [`${"{% if 1 %}".repeat(5000)}${"{% endif %}".repeat(5000)}`, "at most 200 blocks"],
  ])("%.60s", (source, message) => {
    expect(() => run(source, {})).toThrow(message);
  });

  it("also when it does nothing but loop", () => {
    const source = "{% set r = range(100000) | list %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}";
    expect(() => run(source, { l: new List([]) })).toThrow("expected a template that ends");
  });
});
