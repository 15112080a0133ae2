// Grammars over bytes: built from expressions, kept as flat tables that can be sent to another thread.

/**
 * What may be written. A symbol is a byte, or 256 + k for the k-th token that is matched whole (`<|tool_call_start|>`).
 */
export type Expression =
  | { readonly kind: "symbols"; readonly low: number; readonly high: number }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Expression[] }
  /** Any number of times, also none. */
  | { readonly kind: "repeat"; readonly of: Expression }
  /** An automaton whose edges are expressions; state 0 is the first. */
  | {
      readonly kind: "automaton";
      readonly edges: readonly (readonly { readonly on: Expression; readonly to: number }[])[];
      readonly accepting: readonly boolean[];
      /** Of each state: how many ordinary characters may follow, whichever they are (see freedomOf). */
      readonly freedom?: readonly number[];
    }
  | { readonly kind: "rule"; readonly rule: number };

/**
 * An automaton with calls: a state's edges are `offsets[state]` to `offsets[state + 1]` of their list. Everything here
 * can be structured-cloned.
 */
export interface Grammar {
  readonly first: number;
  /** Symbols `low` to `high` lead to `to`. */
  readonly symbols: { readonly offsets: Uint32Array; low: Uint16Array; high: Uint16Array; to: Uint32Array };
  /** The rule that begins at `rule` may be written here; `to` follows. */
  readonly calls: { readonly offsets: Uint32Array; rule: Uint32Array; to: Uint32Array };
  /** Steps that write nothing. */
  readonly free: { readonly offsets: Uint32Array; to: Uint32Array };
  /** 1 where a rule may end. */
  readonly ends: Uint8Array;
  /** Of each state: how many calls deep one has to go, at the least, to its rule's end. */
  readonly depths: Uint16Array;
  /** Of each state: how many ordinary characters may follow, whichever they are; 0 where that is not known. */
  readonly freedom: Uint16Array;
  /** Symbols from 256 on. */
  readonly wholeTokens: readonly number[];
}

/** No value that is nested deeper than this can be written. */
export const MAX_DEPTH = 256;
/** Places in a grammar where a text may stand at once. Looking at more would take most of a second for each id. */
export const MAX_ALTERNATIVES = 8192;

const encoder = new TextEncoder();

export const NOTHING: Expression = { kind: "sequence", parts: [] };
export const symbol = (symbol: number): Expression => ({ kind: "symbols", low: symbol, high: symbol });
export const symbols = (low: number, high: number): Expression => ({ kind: "symbols", low, high });
export const sequence = (...parts: Expression[]): Expression => ({ kind: "sequence", parts });
export const choice = (...parts: Expression[]): Expression => ({ kind: "choice", parts });
export const optional = (...parts: Expression[]): Expression => choice(NOTHING, sequence(...parts));
export const repeat = (of: Expression): Expression => ({ kind: "repeat", of });
export const text = (text: string): Expression => sequence(...Array.from(encoder.encode(text), symbol));
