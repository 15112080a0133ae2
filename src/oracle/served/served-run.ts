// A server's answers as a recorded run, and another run as it would have been seen by the same questions.
import type { RecordedPoint, RecordedRun } from "../recorded/recorded-run.ts";
import { asSeen, sightOf } from "./as-seen.ts";
import type { AskedServer } from "./ask-logprobs.ts";
import { ServerError } from "./completions-server.ts";
import type { SeenRow } from "./seen-row.ts";

/** Log-probabilities of the ids that a server named, after each position. */
export const SEEN = "lm_head.logprobs";

export interface ServedRun extends RecordedRun {
  readonly rows: readonly SeenRow[];
}

/** @throws ServerError, FormatError; ServerError where nothing of it can be compared */
export async function servedRun(server: AskedServer, ids: readonly number[], vocabSize: number): Promise<ServedRun> {
  const { rows, told } = await server.everyRow(ids);
  if (rows.every(({ ids }) => ids.length === 0)) {
    throw new ServerError({
      subject: server.name,
      expected: "log-probabilities of ids that can be told",
      found: "texts that no id is known for",
      remedy: "Name the model with -m, so that its tokenizer tells, or take a server that gives ids.",
    });
  }
  return {
    name: server.name,
    points: new Map([[SEEN, pointOfRows(rows)]]),
    isOrdered: true,
    ids,
    start: 0,
    about: undefined,
    notes: [`a server, asked ${HOW[told]}: ${sightOf(rows, vocabSize)}`],
    unseen: "the other ids, every layer, and what a server does between its steps",
    rows,
    close: async () => {},
  };
}

const HOW = {
  prompt_logprobs: "for prompt_logprobs",
  echo: "for an echo with log-probabilities",
  "token by token": "for one token after each prefix",
} as const;

/** As many columns as the longest row has; others say their first number again, or nothing on both sides. */
export function pointOfRows(rows: readonly SeenRow[]): RecordedPoint {
  const cols = Math.max(...rows.map(({ ids }) => ids.length));
  return {
    name: SEEN,
    kind: "tensor",
    rows: rows.length,
    cols,
    async read(from, count) {
      const data = new Float32Array(count * cols);
      for (const [i, { logprobs: own }] of rows.slice(from, from + count).entries()) {
        for (let col = 0; col < cols; col++) data[i * cols + col] = own[col] ?? own[0] ?? 0;
      }
      return data;
    },
  };
}

/** Takes logits piece by piece and keeps of them what was seen of the other run. */
export function seenLikewise(rows: readonly SeenRow[]) {
  const kept: SeenRow[] = [];
  return {
    /** Rows of logits [count, vocab], in order. */
    add(data: Float32Array, vocabSize: number): void {
      for (let at = 0; at < data.length; at += vocabSize) {
        const { ids } = rows[kept.length];
        kept.push({ ids, logprobs: [...asSeen(data.subarray(at, at + vocabSize), { ids })], unnamed: 0 });
      }
    },
    point: (): RecordedPoint => pointOfRows(kept),
  };
}
