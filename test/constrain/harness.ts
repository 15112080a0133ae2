// Constraints without a model: over the embedded model's vocabulary, or over one of single bytes.
import { type ConstraintRequest, compileConstraint } from "../../src/constrain/compile.ts";
import { type ConstraintRules, createConstraint, type OutputConstraint } from "../../src/constrain/constraint.ts";
import { buildTree, collectVocabulary, type VocabularyTree } from "../../src/constrain/vocabulary.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoJson } from "../tokenizer/nano.ts";

export const tokenizer = createTokenizer(nanoJson());
export const VOCAB_SIZE = 2048;
export const STOP = 7;
const NANO_CALL = { start: 10, end: 11 };
export const nanoTree = buildTree(collectVocabulary(VOCAB_SIZE, tokenizer.bytesOf));

/** Ids 0 to 255 are the bytes; 256 ends; 257 and 258 stand around calls; 259 and 260 around thoughts. */
const bytes = buildTree(collectVocabulary(261, (id) => (id < 256 ? Uint8Array.of(id) : undefined)));
export const BYTE_STOP = 256;
export const CALL = { start: 257, end: 258 } as const;
export const THOUGHT = { open: 259, close: 260 } as const;

export const isIn = (mask: Uint32Array | undefined, id: number): boolean =>
  mask === undefined || ((mask[id >>> 5] >>> (id & 31)) & 1) === 1;

export function idsOf(mask: Uint32Array | undefined, size: number): number[] {
  return Array.from({ length: size }, (_, id) => id).filter((id) => isIn(mask, id));
}

export type Request = Partial<ConstraintRequest>;

export const schema = (schema: unknown): Request => ({ responseFormat: { type: "json_schema", schema } });
export const regex = (pattern: string): Request => ({ responseFormat: { type: "regex", pattern } });

/** Over single bytes. */
export function constrain(request: Request): OutputConstraint {
  return createConstraint(compile(request), bytes, 261, [BYTE_STOP]);
}

/** Compiled once each: many tests ask much of one grammar. */
const compiled = new Map<string, ConstraintRules>();

export function compile(request: Request): ConstraintRules {
  const key = JSON.stringify(request, (_, value) => (value === undefined ? "undefined" : value));
  const rules = compiled.get(key) ?? compileConstraint({ callMarkers: CALL, thought: undefined, ...request });
  compiled.set(key, rules);
  return rules;
}

/** Over the embedded model's vocabulary. */
export function constrainNano(request: Request, tree: VocabularyTree = nanoTree): OutputConstraint {
  return createConstraint(compile({ callMarkers: NANO_CALL, ...request }), tree, VOCAB_SIZE, [STOP]);
}

/** Ids of single bytes for a text, `<call>` and `</call>` being the markers. */
export function spelled(text: string): number[] {
  return text.split(/(<\/?call>)/).flatMap((piece) => {
    if (piece === "<call>") return [CALL.start];
    if (piece === "</call>") return [CALL.end];
    return Array.from(new TextEncoder().encode(piece));
  });
}

/** Numbers for `write`, of a property's stream. */
export const from =
  (numbers: Iterator<number>) =>
  (count: number): number =>
    (numbers.next().value as number) % count;

/** How far a text gets, byte by byte, and whether it may end there. */
export function follow(request: Request, text: string): { read: number; mayEnd: boolean } {
  const constraint = constrain(request);
  const ids = spelled(text);
  for (const [read, id] of ids.entries()) {
    if (!isIn(constraint.allowed(), id)) return { read, mayEnd: isIn(constraint.allowed(), BYTE_STOP) };
    constraint.accept(id);
  }
  return { read: ids.length, mayEnd: isIn(constraint.allowed(), BYTE_STOP) };
}

/** Whether the whole text, and nothing shorter or longer of it, is a complete answer. */
export function takes(request: Request, text: string): boolean {
  const { read, mayEnd } = follow(request, text);
  return mayEnd && read === spelled(text).length;
}

/** Writes with the embedded model's tokens drawn at random, ending as soon as it may; undefined when it never may. */
export function write(request: Request, draw: (count: number) => number, most = 400): string | undefined {
  const constraint = constrainNano(request);
  const ids: number[] = [];
  for (let i = 0; i < most; i++) {
    const mask = constraint.allowed();
    if (isIn(mask, STOP)) return tokenizer.decode(ids);
    const allowed = idsOf(mask, VOCAB_SIZE);
    if (allowed.length === 0) throw new Error(`nothing may follow ${JSON.stringify(tokenizer.decode(ids))}`);
    const id = allowed[draw(allowed.length)];
    constraint.accept(id);
    ids.push(id);
  }
  return undefined;
}
