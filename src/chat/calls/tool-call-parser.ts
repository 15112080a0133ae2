// Tool calls as LFM2 writes them, read while they arrive. The parser descends recursively and is a generator: where a
// decision needs text that has not come yet it waits, so the pieces in which text comes never change what is read.
//
//   block     = { "[" | "]" | "," | ";" | call | object } ;
//   call      = name "(" [ argument { "," argument } [ "," ] ] ")" ;
//   argument  = key ( "=" | ":" ) value | "**" object | value ;
//   name, key = { unit - ( space | one of ()[]{},;:='"# ) } ;
//
// literal-reader.ts reads values and reports those that Python does not have. Space and comments (# to the end of the line) may
// stand between any two of these. An object that stands for a call is the JSON variant: {"name": …, "arguments": {…}},
// also with "parameters", or wrapped as {"function": {…}}.
//
// Quotes inside a string need not be escaped: string-end.ts decides which one ends it.
//
// A call that cannot be read is text. If call-recovery.ts finds where the next one begins, reading goes on there; if not,
// the rest of the block is text, since a call in it might have been meant as part of a string.

import { createArrivingText, type Reading } from "../arriving-text.ts";
import { behindElement } from "./call-recovery.ts";
import { type Confirmation, Unreadable } from "./literal-events.ts";
import { createLiteralReader } from "./literal-reader.ts";
import type { BlockPiece, Guess, ParsedCall, ToolCallProblem } from "./parsed-call.ts";
import { isObject, textOf, type Value } from "./python-literals.ts";
import { CALL_START, continuesBlock, startsName } from "./string-end.ts";

/** Reads what stands between `<|tool_call_start|>` and `<|tool_call_end|>`. Nothing here throws. */
export interface ToolCallParser {
  /** What became certain with this text: calls that are complete, or text after one that could not be read. */
  push(text: string): BlockPiece[];
  /**
   * The block is over. A call that is still open is closed and reported when the model ended the block; when the
   * answer was cut, at a length limit for instance, it is text: half a path or half a number must not be run.
   */
  end(by: "model" | "cut"): BlockPiece[];
}

const MAX_PROBLEMS = 50;

export function createToolCallParser(): ToolCallParser {
  const text = createArrivingText();
  const { unit, skipGap } = text;
  let endedBy: "model" | "cut" | undefined;
  let problems: (ToolCallProblem | Guess)[] = [];
  let isUnclosed = false;
  const found: BlockPiece[] = [];
  const reader = createLiteralReader(text, {
    report,
    cutOff() {
      if (endedBy === "cut") throw new Unreadable();
      if (!isUnclosed) report("", "a call that is closed", "one that ends within");
      isUnclosed = true;
    },
    isCut: () => endedBy === "cut",
  });
  const reading = block();
  reading.next();

  return {
    push(more) {
      text.push(more);
      reading.next();
      return found.splice(0);
    },
    end(by) {
      endedBy = by;
      text.end();
      reading.next();
      return found.splice(0);
    },
  };

  function report(path: string, expected: string, found: string, confirmation?: Confirmation): void {
    if (problems.length >= MAX_PROBLEMS) return;
    problems.push(confirmation === undefined ? { path, expected, found } : { path, expected, found, confirmation });
  }

  function* block(): Reading<void> {
    let read = 0; // everything before was punctuation or went into a piece
    for (;;) {
      reader.at = yield* skipGap(reader.at);
      const begin = reader.at;
      const first = yield* unit(begin);
      if (first === "") break;
      if ("[],;".includes(first)) {
        reader.at++;
        continue;
      }
      if (first === "<" && (yield* text.startsWith(CALL_START, begin))) {
        reader.at += CALL_START.length;
        continue;
      }
      try {
        problems = [];
        isUnclosed = false;
        reader.doubtful();
        reader.isJson = first === "{";
        found.push({ call: reader.isJson ? jsonCall(yield* reader.object(1, "")) : yield* call() });
        read = reader.at;
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        const end = yield* behindElement(text, begin);
        if (end === undefined) {
          yield* restAsText(read);
          return;
        }
        found.push({ text: text.slice(read, end) });
        read = reader.at = end;
      }
    }
    const rest = text.slice(0);
    if (read === 0 && /[^\s[\],;]/.test(rest)) found.push({ text: rest });
  }

  function* restAsText(from: number): Reading<void> {
    for (let at = from; ; ) {
      if (at < text.length) found.push({ text: text.slice(at) });
      at = text.length;
      if (endedBy !== undefined) return;
      yield;
    }
  }

  function* call(): Reading<ParsedCall> {
    const name = yield* reader.word();
    reader.at = yield* skipGap(reader.at);
    if (!startsName(name) || (yield* unit(reader.at)) !== "(") throw new Unreadable();
    reader.at++;
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    while (!(yield* reader.closes(")"))) yield* argument(positional, named);
    // 'f(x).g' and 'f(x) + 1' are not calls of f.
    if (!isUnclosed && !(yield* continuesBlock(text, reader.at))) throw new Unreadable();
    reportDoubts();
    return { name, positional, named, problems };
  }

  function reportDoubts(): void {
    for (const { path, isArgument } of reader.doubtful()) {
      const known = isArgument ? "names" : undefined;
      report(path, "a string whose quotes are escaped", "one that could end later", known);
    }
  }

  function* argument(positional: Value[], named: Map<string, Value>): Reading<void> {
    const first = yield* unit(reader.at);
    if (first === "*" && (yield* unit(reader.at + 1)) === "*") {
      reader.at = yield* skipGap(reader.at + 2);
      if ((yield* unit(reader.at)) !== "{") throw new Unreadable();
      for (const [key, value] of yield* reader.object(1, "")) name(key, value);
    } else {
      const begin = reader.at;
      const isQuoted = yield* reader.startsString();
      const place = `arg${positional.length}`;
      const key = isQuoted ? yield* reader.strings({ in: "arguments" }, place) : yield* reader.word();
      const after = yield* skipGap(reader.at);
      const separator = yield* unit(after);
      if (key !== "" && (separator === "=" || separator === ":")) {
        if (isQuoted || separator === ":") report(key, "a name and an equals sign", `${key} otherwise`, "member");
        reader.at = yield* skipGap(after + 1);
        if (!(yield* reader.isCutOff())) name(key, yield* reader.value(1, { in: "arguments", separator }, key));
      } else {
        if (named.size > 0) report(place, "arguments without names before those with names", "one behind them");
        if (!isQuoted) reader.at = begin;
        positional.push(isQuoted ? JSON.stringify(key) : yield* reader.value(1, { in: "arguments" }, place));
      }
    }
    yield* commaOrArgument();

    function name(key: string, value: Value): void {
      if (named.has(key)) report(key, "one value", "two, of which the last is taken");
      named.set(key, value);
    }
  }

  /** Takes a comma, if no argument follows without one. */
  function* commaOrArgument(): Reading<void> {
    reader.at = yield* skipGap(reader.at);
    const end = yield* text.skipWord(reader.at);
    const isName = startsName(text.slice(reader.at, end)) && (yield* unit(yield* text.skipSpace(end))) === "=";
    if (isName) report("", "a comma between arguments", `none before ${text.slice(reader.at, end)}`);
    else yield* reader.comma(")");
  }

  function jsonCall(described: ReadonlyMap<string, Value>, prefix = ""): ParsedCall {
    const wrapped = described.get("function");
    if (isObject(wrapped)) return jsonCall(wrapped, `${prefix}function.`);
    const name = textOf(described.get("name") ?? wrapped);
    const key = described.has("arguments") ? "arguments" : "parameters";
    const stated = described.get(key) ?? new Map<string, Value>();
    const inner = argumentsOf(textOf(stated));
    const named = inner?.named ?? stated;
    if (!name || !isObject(named)) throw new Unreadable();
    reportDoubts();
    const begin = `${prefix}${key}.`;
    const placed = problems.map((problem) => ({
      ...problem,
      path: problem.path.startsWith(begin) ? problem.path.slice(begin.length) : "",
    }));
    return { name, positional: [], named, problems: [...placed, ...(inner?.problems ?? [])] };
  }
}

/** Arguments that come as JSON text within the JSON, as OpenAI has them. */
function argumentsOf(json: string | undefined): ParsedCall | undefined {
  if (json === undefined || !parsesAsJson(json)) return undefined;
  const parser = createToolCallParser();
  const [piece] = [...parser.push(`f(**${json})`), ...parser.end("cut")];
  return piece !== undefined && "call" in piece ? piece.call : undefined;
}

function parsesAsJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
