// Chat templates that a hostile file may hold: those that somebody thought of, and more of their kind at random.
import { createRandom } from "../../src/sampling/random.ts";

/** Doubles what is in `x` so many times. */
const doubled = (start: string, step: string, times: number): string =>
  `{% set n = namespace(x=${start}) %}{% for i in range(${times}) %}{% set n.x = ${step} %}{% endfor %}`;
const nested = (depth: number, length: number, inner: string): string =>
  `${Array.from({ length: depth }, (_, i) => `{% for i${i} in range(${length}) %}`).join("")}${inner}${"{% endfor %}".repeat(depth)}`;
const lines = (count: number, line: string): string => Array(count).fill(line).join("\n");

export const HANDMADE: Readonly<Record<string, string>> = {
  "list doubling": `${doubled("[1]", "n.x + n.x", 60)}{{ n.x | length }}`,
  "string doubling": `${doubled("'ab'", "n.x ~ n.x", 60)}{{ n.x | length }}`,
  "string doubling by +": `${doubled("'ab'", "n.x + n.x", 60)}{{ n.x | length }}`,
  "dict of itself twice": `${doubled("{}", "{'a': n.x, 'b': n.x}", 60)}{{ n.x | tojson }}`,
  "list of itself twice, printed": `${doubled("[]", "[n.x, n.x]", 60)}{{ n.x }}`,
  "list of itself twice, compared": `${doubled("[]", "[n.x, n.x]", 60)}${doubled("[]", "[n.x, n.x]", 60).replaceAll("n.x", "m.x").replace("set n =", "set m =")}{{ n.x == m.x }}`,
  "nested ranges": nested(8, 1000, ""),
  "nested ranges that write": nested(3, 1000, "{{ i0 }}xxxxxxxxxx"),
  "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "a macro that calls itself twice":
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
  "macros that call each other":
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
  "tojson with a huge indent": "{{ [[1]] | tojson(indent=20000000) }}",
  "tojson with an infinite indent": "{{ [[1]] | tojson(indent=99999999999999999999) }}",
  "tojson with a negative indent": "{{ [[1]] | tojson(indent=-5) }}",
  "tojson of deep lists": `${doubled("[]", "[n.x]", 5000)}{{ n.x | tojson }}`,
  "tojson with long separators":
    "{% set s = 'x' * 1 %}{% set n = namespace(s='abcdefgh') %}{% for i in range(20) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ range(1000) | tojson(separators=(n.s, ':')) }}",
  "replace that multiplies":
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(30) %}{% set n.s = n.s | replace('a', n.s) %}{% endfor %}{{ n.s | length }}",
  "replace of nothing":
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(30) %}{% set n.s = n.s.replace('', n.s) %}{% endfor %}{{ n.s | length }}",
  "replace by another way":
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(30) %}{% set f = n.s.replace %}{% set n.s = f('a', n.s) %}{% endfor %}",
  "replace in brackets":
    "{% set k = 'replace' %}{% set n = namespace(s='aaaa') %}{% for i in range(30) %}{% set n.s = n.s[k]('a', n.s) %}{% endfor %}",
  "join that multiplies":
    "{% set n = namespace(s='abcd') %}{% for i in range(30) %}{% set n.s = n.s | join(n.s) %}{% endfor %}{{ n.s | length }}",
  "join of a long range":
    "{% set n = namespace(s='abcdefgh') %}{% for i in range(20) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ range(100000) | join(n.s) }}",
  "indent by much": "{{ 'a\\nb\\nc' | indent(1000000000) }}",
  "indent of many lines":
    "{% set n = namespace(s='\\n') %}{% for i in range(22) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s | indent(1000, true, true) }}",
  "split into millions": `${doubled("'a '", "n.x ~ n.x", 24)}{{ n.x.split(' ') | length }}`,
  "letters of millions": `${doubled("'a '", "n.x ~ n.x", 24)}{% for c in n.x %}{{ c }}{% endfor %}`,
  "slices of millions": `${doubled("'a '", "n.x ~ n.x", 22)}{% for i in range(1000) %}{{ n.x[:3] }}{% endfor %}`,
  "a slice with step 0": "{{ [1, 2, 3][::0] }}{{ 'abc'[::0] }}",
  "trim of spaces": `${doubled("' '", "n.x ~ n.x", 22)}{{ (n.x ~ 'x' ~ n.x ~ 'x') | trim | length }}`,
  "trim of spaces, often": `${doubled("' '", "n.x ~ n.x", 20)}{% for i in range(1000) %}{{ (n.x ~ 'x' ~ n.x) | trim | length }}{% endfor %}`,
  "sorting what is alike": `${doubled("'a'", "n.x ~ n.x", 20)}{% set l = [n.x, n.x ~ 'b', n.x ~ 'a'] %}${nested(1, 1000, "{{ l | sort | length }}")}`,
  "search in a long text": `${doubled("'a'", "n.x ~ n.x", 22)}${nested(2, 1000, "{{ 'b' in n.x }}")}`,
  "search in a long list": `{% set l = range(100000) %}${nested(2, 1000, "{{ -1 in l }}")}`,
  "undefined variables, deep": `{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}${nested(2, 1000, "{{ nothing }}")}{% endif %}{% endmacro %}{{ m(60) }}`,
  "upper and lower of much": `${doubled("'ß'", "n.x ~ n.x", 22)}{% for i in range(1000) %}{{ n.x | upper | lower | title | length }}{% endfor %}`,
  "a date format of much": `${doubled("'%B'", "n.x ~ n.x", 22)}{{ strftime_now(n.x) | length }}`,
  "an exception of much": `${doubled("'no '", "n.x ~ n.x", 22)}{{ raise_exception(n.x) }}`,
  "a namespace that holds itself": "{% set n = namespace(a=1) %}{% set n.a = n %}{{ n.a.a.a }}{{ n | tojson }}",
  "arguments of millions": "{% macro m() %}{{ varargs | length }}{% endmacro %}{{ m(*range(100000)) }}",
  "a negative range": "{{ range(0, -100000000, -1) | length }}{{ range(5, 0) }}",
  "a range with step 0": "{{ range(0, 10, 0) | length }}",
  "a range of fractions": "{{ range(0, 1, 0.0000001) | length }}",
  powers: "{{ 9 ** 9 ** 9 ** 9 }}",
  "an integer of many digits": `{{ ${"9".repeat(400)} }}`,
  "a literal of a megabyte": `{{ '${"x".repeat(1_000_000)}' }}`.repeat(3),
  "a literal in a loop": nested(2, 1000, "x".repeat(100_000)),
  parentheses: `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`,
  brackets: `{{ ${"[".repeat(50_000)}${"]".repeat(50_000)} }}`,
  "a long sum": `{{ 1${" + 1".repeat(50_000)} }}`,
  "many filters": `{{ 'a'${" | upper".repeat(50_000)} }}`,
  "many members": `{{ a${".b".repeat(50_000)} }}`,
  nots: `{{ ${"not ".repeat(50_000)}1 }}`,
  minuses: `{{ ${"- ".repeat(50_000)}1 }}`,
  "nested ifs": `${"{% if true %}".repeat(5000)}${"{% endif %}".repeat(5000)}`,
  "nested loops without an end": "{% for a in [1] %}".repeat(5000),
  "2,000 lines, the last one broken": `${lines(2000, "{% if messages %}{{ messages[0].content }}{% endif %}")}\n{% frob %}`,
  "2,000 lines, the last one unclosed": `${lines(2000, "{{ messages[0].content }}")}\n{{ 'abc`,
  "2,000 lines, a wrong character": `${lines(2000, "{{ messages[0].content }}")}\n{{ a ? b }}`,
  "2,000 lines, all open": lines(2000, "{% if messages %}{{ messages[0].content }}"),
  "comments without an end": "{# ".repeat(100_000),
  "spaces before nothing": " ".repeat(200_000),
  "spaces before tags": `${" ".repeat(100_000)}{{ 1 }}`,
  quotes: `{{ ${"'a' ".repeat(50_000)} }}`,
  "an unclosed dict": `{{ ${"{'a': ".repeat(10_000)}`,
  "breaks without a loop": "{% break %}",
  "a loop that goes on": "{% for i in range(100000) %}{% continue %}{% endfor %}".repeat(50),
  "call blocks in call blocks": `{% macro m() %}{{ caller() }}{% endmacro %}${"{% call m() %}".repeat(2000)}x${"{% endcall %}".repeat(2000)}`,
  "filter blocks": `${"{% filter upper %}".repeat(2000)}x${"{% endfilter %}".repeat(2000)}`,
  "groups of messages": nested(3, 100, "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}"),
  "attributes of attributes": `{{ messages | map(attribute='${"a.".repeat(100_000)}a') | list }}`,
  "control strings pulled apart":
    "{% for m in messages %}{% for c in m.content %}{{ c }}{{ ' ' * 1 }}{% endfor %}{% endfor %}",
};

/** A template of what hurts, put together at random; the same for the same seed. */
export function randomTemplate(seed: number): string {
  const random = createRandom(seed);
  const draw = (below: number): number => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)];
  const number = (): string => String(pick([0, 1, 2, 3, 10, 100, 1000, 99_999, 100_000, 100_001, 2 ** 31, -1, -7]));
  const value = (depth: number): string => {
    if (depth === 0)
      return pick([
        "n.x",
        "n.y",
        "'a'",
        "' b '",
        "messages",
        "messages[0].content",
        number(),
        "[]",
        "{}",
        "none",
        "nothing",
      ]);
    const [a, b] = [value(depth - 1), value(depth - 1)];
    return pick([
      `(${a} + ${b})`,
      `(${a} ~ ${b})`,
      `(${a} * ${b})`,
      `(${a} == ${b})`,
      `(${a} in ${b})`,
      `[${a}, ${b}]`,
      `{'a': ${a}, 'b': ${b}}`,
      `(${a})[${number()}:]`,
      `(${a})[::${number()}]`,
      `(${a} | ${pick(["list", "sort", "unique", "length", "upper", "lower", "title", "string", "trim", "tojson", "first", "last", "reverse", "items"])})`,
      `(${a} | join(${b}))`,
      `(${a} | replace('a', ${b}))`,
      `(${a}).replace(${b}, 'aa')`,
      `(${a} | indent(${number()}))`,
      `(${a} | tojson(indent=${number()}))`,
      `(${a}).split(${b})`,
      `range(${number()})`,
      `m(${a})`,
      `(${a} if ${b} else ${a})`,
    ]);
  };
  const statement = (depth: number): string => {
    if (depth === 0) return `{{ ${value(2)} }}`;
    const inner = (): string => Array.from({ length: 1 + draw(3) }, () => statement(depth - 1)).join("");
    return pick([
      () => `{% set n.x = ${value(2)} %}`,
      () => `{% set n.y = ${value(2)} %}`,
      () => `{% for i in ${pick([`range(${number()})`, value(1)])} %}${inner()}{% endfor %}`,
      () =>
        `{% for i in range(40) %}{% set n.x = ${pick(["n.x ~ n.x", "n.x + n.x", "[n.x, n.x]", "{'a': n.x, 'b': n.x}", "n.x | replace('a', n.x)", "n.x | join('ab')"])} %}{% endfor %}`,
      () => `{% if ${value(2)} %}${inner()}{% else %}${inner()}{% endif %}`,
      () => `{{ ${value(3)} }}`,
      inner,
    ])();
  };
  const macro = `{% macro m(x) %}${statement(1)}${pick(["", "{{ m(x) }}"])}{% endmacro %}`;
  const whole = `{% set n = namespace(x=${pick(["'a'", "[1]", "{}"])}, y='b') %}${macro}${Array.from({ length: 3 }, () => statement(3)).join("\n")}`;
  // A damaged file is cut anywhere.
  return draw(8) === 0 ? whole.slice(0, draw(whole.length)) : whole;
}
