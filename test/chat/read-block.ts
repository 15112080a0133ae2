// Blocks of tool calls, read to the end; and all cases there are of them.
import type { BlockPiece } from "../../src/chat/calls/parsed-call.ts";
import { createToolCallParser } from "../../src/chat/calls/tool-call-parser.ts";
import { otherParsersCases } from "./other-parsers-cases.ts";
import { type BlockCase, jsonCases, pythonCases, recoveredCases, textCases } from "./tool-call-cases.ts";

/** All pieces of a block that comes in `chunks`; text that comes in several is joined. */
export function readBlock(chunks: readonly string[], by: "model" | "cut" = "model"): BlockPiece[] {
  const parser = createToolCallParser();
  const joined: BlockPiece[] = [];
  for (const piece of [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end(by)]) {
    const last = joined.at(-1);
    if (last !== undefined && "text" in last && "text" in piece)
      joined[joined.length - 1] = { text: last.text + piece.text };
    else joined.push(piece);
  }
  return joined;
}

export const blockCases: [string, readonly BlockCase[]][] = [
  ["correct Python means what Python says", pythonCases],
  ["what models write instead is understood", recoveredCases],
  ["the JSON variant", jsonCases],
  ["text that is no call stays text", textCases],
  ["what other parsers are tested with", otherParsersCases],
];
