// A template's source as tokens, with Jinja's rules for white space around tags, as Hugging Face sets them.
import { PYTHON_SPACE } from "./text.ts";

export interface Token {
  readonly kind: "data" | "begin" | "end" | "open" | "close" | "name" | "string" | "integer" | "float" | "operator";
  /** `begin` and `end` are {% and %}, `open` and `close` {{ and }}; a string's value is what it stands for. */
  readonly value: string;
  readonly line: number;
}

/** A template is not Jinja, or failed while it ran. */
export class JinjaError extends Error {
  override readonly name = "JinjaError";
  /** In the template, from 1; 0 where it is not known. */
  readonly line: number;

  constructor(message: string, line: number, options?: ErrorOptions) {
    super(message, options);
    this.line = line;
  }
}

const TAG = /\{%[-+]?|\{\{[-+]?|\{#[-+]?/g;
const RAW = new RegExp(`\\{%[-+]?[${PYTHON_SPACE}]*raw[${PYTHON_SPACE}]*(?:-%\\}[${PYTHON_SPACE}]*|%\\})`, "y");
const ENDRAW = new RegExp(
  `\\{%([-+]?)[${PYTHON_SPACE}]*endraw[${PYTHON_SPACE}]*(?:\\+%\\}|-%\\}[${PYTHON_SPACE}]*|%\\}\\n?)`,
  "g",
);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${PYTHON_SPACE}]*|#\\}\\n?`, "g");
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}[${PYTHON_SPACE}]*|%\\}\\n?`, "y");
const VARIABLE_END = new RegExp(`-\\}\\}[${PYTHON_SPACE}]*|\\}\\}`, "y");
const BLANK = new RegExp(`^[${PYTHON_SPACE}]+$`);
const TRAILING_SPACE = new RegExp(`[${PYTHON_SPACE}]+$`);

const RULES: readonly (readonly [kind: Token["kind"] | "space", rule: RegExp])[] = [
  ["space", new RegExp(`[${PYTHON_SPACE}]+`, "y")],
  ["float", /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy],
  ["integer", /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ["name", /[\p{ID_Start}_]\p{ID_Continue}*/uy],
  ["string", /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy],
  ["operator", /\*\*|\/\/|[=!<>]=|[-+*/%~<>()[\]{}=.:|,;]/y],
];

/**
 * With trim_blocks a newline after a block or comment goes; with lstrip_blocks, blanks between the beginning of a line
 * and a block or comment. `-` takes all white space on its side, `+` switches lstrip_blocks off.
 *
 * @throws JinjaError
 * @source jinja2 3.1.6, lexer.py, Lexer.tokeniter
 */
export function tokenize(source: string): Token[] {
  const text = source.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const tokens: Token[] = [];
  let at = 0;
  let beginsLine = true;
  const line = newlineCounter(text);

  const data = (value: string, from: number): void => {
    if (value !== "") tokens.push({ kind: "data", value, line: line(from) });
  };
  /** Text before a tag, without the white space that the tag takes. */
  const before = (value: string, sign: string, isVariable: boolean): string => {
    if (sign === "-") return value.replace(TRAILING_SPACE, "");
    if (sign === "+" || isVariable) return value;
    const start = value.lastIndexOf("\n") + 1;
    return (start > 0 || beginsLine) && BLANK.test(value.slice(start)) ? value.slice(0, start) : value;
  };
  const moveTo = (end: number): void => {
    beginsLine = text[end - 1] === "\n";
    at = end;
  };

  while (at < text.length) {
    TAG.lastIndex = at;
    const tag = TAG.exec(text);
    if (tag === null) {
      data(text.slice(at), at);
      break;
    }
    const sign = tag[0][2] ?? "";
    const isVariable = tag[0][1] === "{";
    data(before(text.slice(at, tag.index), sign, isVariable), at);
    RAW.lastIndex = tag.index;
    const raw = RAW.exec(text);
    if (raw !== null) {
      moveTo(RAW.lastIndex);
      ENDRAW.lastIndex = at;
      const end = ENDRAW.exec(text);
      if (end === null) throw new JinjaError("expected {% endraw %} for this {% raw %}, found none", line(tag.index));
      data(before(text.slice(at, end.index), end[1], false), at);
      moveTo(ENDRAW.lastIndex);
    } else if (tag[0][1] === "#") {
      COMMENT_END.lastIndex = tag.index + tag[0].length;
      if (COMMENT_END.exec(text) === null) {
        throw new JinjaError("expected #} for this {#, found none", line(tag.index));
      }
      moveTo(COMMENT_END.lastIndex);
    } else {
      tokens.push({ kind: isVariable ? "open" : "begin", value: tag[0], line: line(tag.index) });
      moveTo(readTag(tag.index + tag[0].length, isVariable, tag.index));
    }
  }
  return tokens;

  /** Tokens up to the end of the tag; returns where that is. */
  function readTag(from: number, isVariable: boolean, tagStart: number): number {
    const open: string[] = [];
    const tagEnd = isVariable ? VARIABLE_END : BLOCK_END;
    for (let position = from; position < text.length; ) {
      tagEnd.lastIndex = position;
      const end = open.length === 0 ? tagEnd.exec(text) : null;
      if (end !== null) {
        tokens.push({ kind: isVariable ? "close" : "end", value: end[0].trim(), line: line(position) });
        return tagEnd.lastIndex;
      }
      const [kind, value] = nextToken(position);
      if (kind === "operator" && "([{".includes(value)) open.push({ "(": ")", "[": "]", "{": "}" }[value] as string);
      else if (kind === "operator" && ")]}".includes(value) && open.pop() !== value) {
        throw new JinjaError(`expected no ${value} here, found one`, line(position));
      }
      if (kind !== "space") {
        tokens.push({ kind, value: kind === "string" ? unescapeLiteral(value) : value, line: line(position) });
      }
      position += value.length;
    }
    throw new JinjaError(`expected ${isVariable ? "}}" : "%}"} for this tag, found none`, line(tagStart));
  }

  function nextToken(position: number): readonly [Token["kind"] | "space", string] {
    for (const [kind, rule] of RULES) {
      rule.lastIndex = position;
      const found = rule.exec(text);
      if (found !== null) return [kind, found[0]];
    }
    throw new JinjaError(
      `expected Jinja, found ${JSON.stringify(text.slice(position, position + 20))}`,
      line(position),
    );
  }
}

/** Lines of positions that never go back. */
function newlineCounter(text: string): (position: number) => number {
  let [line, counted] = [1, 0];
  return (position) => {
    for (; counted < position; counted++) if (text.charCodeAt(counted) === 10) line++;
    return line;
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** What a literal stands for: Python's escapes; a backslash before anything else stays. */
function unescapeLiteral(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
      (whole, x: string, u: string, wide: string, octal: string, other: string) => {
        const code = x ?? u ?? wide;
        if (code !== undefined) {
          const point = Number.parseInt(code, 16);
          return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
        }
        if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
        return Object.hasOwn(ESCAPES, other) ? ESCAPES[other] : whole;
      },
    );
}
