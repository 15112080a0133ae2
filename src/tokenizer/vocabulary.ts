// A tokenizer's data, checked: its tokens, which of them are matched whole, and its merges.
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { TokenizerError } from "./source.ts";

/** A token matched in the text as a whole, before any splitting. Its string is plain text, not the byte alphabet. */
export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** A control token, which decoding may leave out. `<think>` is not: it is marked as text in LFM2's files. */
  readonly special: boolean;
}

export interface Vocabulary {
  /** Tokens that merging makes, in the byte alphabet. */
  readonly ordinary: ReadonlyMap<string, number>;
  readonly added: readonly AddedToken[];
  /** By rank: the first is tried first. */
  readonly merges: readonly (readonly [string, string])[];
  /** The Rust pattern that cuts text into words. */
  readonly pattern: string;
  /** Whether a word that is a token is taken as it is, without merging. */
  readonly ignoreMerges: boolean;
  /** The highest id, plus one. */
  readonly size: number;
  readonly bosId: number | undefined;
  readonly padId: number | undefined;
  readonly eosIds: readonly number[];
  /** Whether the files say that plain encoding begins with BOS. */
  readonly addsBos: boolean;
}

// A bound on what a damaged or hostile file can make us allocate; LFM2.5 has 128,000.
const MAX_TOKENS = 1 << 20;

// Old LFM2.5 files mark some of these as ordinary or user-defined tokens; the model has only ever seen them whole.
const ALWAYS_WHOLE = ["<think>", "</think>", "<|tool_call_start|>", "<|tool_call_end|>"];

// What templates write around turns. Files that mark them as text would have them shown, and prompts cut elsewhere.
const ALWAYS_CONTROL = ["<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"];

const END_OF_TURN = ["<|im_end|>", "<|endoftext|>"];

/** Checked tokens, before merges: the two readers fill it, `vocabulary` draws the conclusions. */
export class TokenTable {
  readonly ordinary = new Map<string, number>();
  readonly added = new Map<string, AddedToken>();
  size = 0;
  readonly #taken = new Map<number, string>();

  addOrdinary(text: string, id: unknown, subject: string): void {
    const known = this.ordinary.get(text);
    if (known !== undefined) {
      throw new TokenizerError({
        subject,
        expected: "every token once",
        found: `${quote(text)} at ${known} and ${id}`,
      });
    }
    this.ordinary.set(text, this.#take(id, text, subject));
  }

  /** A token that was read as an ordinary one under the same id becomes a whole one. */
  addWhole(text: string, id: unknown, special: boolean, subject: string): void {
    if (text === "") throw new TokenizerError({ subject, expected: "text", found: `an empty token at id ${id}` });
    const known = this.ordinary.get(text) ?? this.added.get(text)?.id;
    if (known !== undefined && known !== id) {
      throw new TokenizerError({
        subject,
        expected: "every token once",
        found: `${quote(text)} at ${known} and ${id}`,
      });
    }
    this.ordinary.delete(text);
    this.added.set(text, { id: known ?? this.#take(id, text, subject), text, special });
  }

  idOf(text: string): number | undefined {
    return this.added.get(text)?.id ?? this.ordinary.get(text);
  }

  #take(id: unknown, text: string, subject: string): number {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= MAX_TOKENS) {
      throw new TokenizerError({
        subject: `${subject}, ${quote(text)}`,
        expected: `an id from 0 to ${MAX_TOKENS - 1}`,
        found: JSON.stringify(id)?.slice(0, 80),
      });
    }
    const holder = this.#taken.get(id as number);
    if (holder !== undefined) {
      throw new TokenizerError({
        subject,
        expected: "every id once",
        found: `${id} for ${quote(holder)} and ${quote(text)}`,
      });
    }
    this.#taken.set(id as number, text);
    this.size = Math.max(this.size, (id as number) + 1);
    return id as number;
  }
}

/** @throws TokenizerError when the tokens cannot write every text, or a merge joins tokens that are not there */
export function vocabulary(
  table: TokenTable,
  merges: readonly unknown[],
  mergesSubject: string,
  rest: Pick<Vocabulary, "pattern" | "ignoreMerges" | "addsBos"> & {
    readonly bosId: number | undefined;
    readonly padId: number | undefined;
    readonly eosId: number | undefined;
    /** Ids that end an answer by other files or keys. */
    readonly endIds: readonly number[] | undefined;
  },
): Vocabulary {
  for (const text of ALWAYS_WHOLE) {
    const id = table.ordinary.get(text);
    if (id !== undefined) table.addWhole(text, id, false, mergesSubject);
  }
  for (const text of ALWAYS_CONTROL) {
    const id = table.idOf(text);
    if (id !== undefined) table.addWhole(text, id, true, mergesSubject);
  }
  checkBytes(table);
  const eosIds = [rest.eosId, ...(rest.endIds ?? []), ...END_OF_TURN.map((text) => table.idOf(text))].filter(
    (id) => id !== undefined,
  );
  return {
    ordinary: table.ordinary,
    added: [...table.added.values()],
    merges: readMerges(table, merges, mergesSubject),
    pattern: rest.pattern,
    ignoreMerges: rest.ignoreMerges,
    addsBos: rest.addsBos,
    size: table.size,
    padId: rest.padId,
    bosId: rest.bosId ?? table.idOf("<|startoftext|>"),
    eosIds: [...new Set(eosIds)],
  };
}

/**
 * A padding token beyond the embedding is taken out: it pads batches of training, and never reaches the model.
 * @throws TokenizerError naming another token beyond the embedding
 */
export function withinEmbedding(vocabulary: Vocabulary, rows: number): Vocabulary {
  const added = vocabulary.added.filter(({ id }) => id < rows || id !== vocabulary.padId);
  const texts = [...vocabulary.ordinary, ...added.map(({ text, id }) => [text, id] as const)];
  const beyond = texts.filter(([, id]) => id >= rows).sort(([, a], [, b]) => a - b);
  if (beyond.length > 0) {
    const [text, id] = beyond[0];
    throw new TokenizerError({
      subject: "Vocabulary",
      expected: `ids below ${rows}, as the embedding has so many rows`,
      found: `${quote(text)} at ${id}${beyond.length > 1 ? ` and ${beyond.length - 1} more` : ""}`,
      remedy: "Take the tokenizer that belongs to this model.",
    });
  }
  return { ...vocabulary, added, size: Math.min(vocabulary.size, rows) };
}

/** Without a token for each byte, some text would silently lose characters. C0, C1 and F5… never occur in UTF-8. */
function checkBytes(table: TokenTable): void {
  const missing = BYTE_CHARACTERS.flatMap((character, byte) => {
    const occurs = byte < 0xc0 || (byte > 0xc1 && byte < 0xf5);
    return occurs && !table.ordinary.has(character) ? [`0x${byte.toString(16).padStart(2, "0")}`] : [];
  });
  if (missing.length > 0) {
    throw new TokenizerError({
      subject: "Vocabulary",
      expected: "a token for every byte of UTF-8",
      found: `none for ${missing.length} of them, the first being ${missing[0]}`,
      remedy: "This is not a byte-level BPE vocabulary, or it is cut off.",
    });
  }
}

function readMerges(table: TokenTable, merges: readonly unknown[], subject: string): [string, string][] {
  const read: [string, string][] = [];
  merges.forEach((merge, rank) => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === "string" && part !== "")) {
      throw new TokenizerError({
        subject: `${subject}[${rank}]`,
        expected: "two tokens with a space between",
        found: JSON.stringify(merge)?.slice(0, 80),
      });
    }
    const [left, right] = pair as [string, string];
    for (const token of [left, right, left + right]) {
      if (table.ordinary.has(token)) continue;
      // Whole tokens are cut out before merging, and with parseSpecial off they must not come back through it.
      if (table.added.has(token)) return;
      throw new TokenizerError({
        subject: `${subject}[${rank}] joins ${quote(left)} and ${quote(right)}`,
        expected: `${quote(token)} in the vocabulary`,
        found: "no such token",
        remedy: "The merges and the tokens are of different tokenizers.",
      });
    }
    read.push([left, right]);
  });
  return read;
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
