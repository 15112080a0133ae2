// What stands for the text of ids where a model's files have no tokenizer: it can be looked at and compared, not talked to.
import { Lfm2Error } from "../../lfm2-error.ts";
import type { ModelTokenizer } from "../../text/text.ts";

/** @param cause  why there is none; what needs text throws it */
export function idsAsText(cause: unknown): ModelTokenizer {
  if (!(cause instanceof Lfm2Error)) throw cause;
  const textOf = (id: number): string => `#${id} `;
  return {
    textOf,
    decode: (ids) => Array.from(ids, textOf).join(""),
    stream: () => ({ push: textOf, end: () => "" }),
    idOf: () => undefined,
    bytesOf: () => undefined,
    isSpecial: () => false,
    wholeTokens: [],
    vocabSize: 0,
    bosId: undefined,
    eosIds: [],
    addsBos: false,
    encode: () => Promise.reject(cause),
  };
}
