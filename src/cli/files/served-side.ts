// A server's side of a comparison, and ours as the same questions would have seen it.
import type { LanguageModel } from "../../index.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { HEAD } from "../../oracle/recorded/point-names.ts";
import { pieces, type RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { type AskedServer, askLogprobs } from "../../oracle/served/ask-logprobs.ts";
import { openServer, ServerError, type ServerOptions } from "../../oracle/served/completions-server.ts";
import type { IdOf } from "../../oracle/served/seen-row.ts";
import { SEEN, type ServedRun, seenLikewise, servedRun } from "../../oracle/served/served-run.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import type { OpenedModel } from "./open-model.ts";

export async function askServer(
  address: string,
  vocabSize: number,
  idOf: IdOf,
  options: ServerOptions,
): Promise<AskedServer> {
  return askLogprobs(await openServer(address, options), vocabSize, idOf);
}

/** Of texts that only one id has. Undefined for each where the model has no tokenizer. */
export async function idsByText(model: LanguageModel): Promise<IdOf> {
  const tokenizer = await model.tokenizer().catch((error: unknown) => {
    if (error instanceof Lfm2Error) return undefined;
    throw error;
  });
  const ids = new Map<string, number | undefined>();
  let isRead = false;
  return (text) => {
    for (let id = 0; tokenizer !== undefined && !isRead && id < model.config.vocabSize; id++) {
      const own = tokenizer.textOf(id);
      ids.set(own, ids.has(own) ? undefined : id);
    }
    isRead = true;
    return ids.get(text);
  };
}

/** Both sides: the server's answer, and what the model computes here of the same ids. */
export async function servedAndOwn(
  address: string,
  { model, name }: OpenedModel,
  ids: readonly number[],
  options: ServerOptions & { readonly signal: AbortSignal },
): Promise<readonly [own: RecordedRun, served: ServedRun]> {
  const { vocabSize } = model.config;
  const server = await askServer(address, vocabSize, await idsByText(model), options);
  const served = await servedRun(server, ids, vocabSize);
  const likewise = seenLikewise(served.rows);
  const progress = createPrefillProgress();
  try {
    const { signal } = options;
    for await (const { data } of model.trace(ids, { points: [HEAD], signal, onProgress: progress.onProgress })) {
      likewise.add(data as Float32Array, vocabSize);
    }
  } finally {
    progress.clear();
  }
  const { backend, mode, kvType, quantize } = model.settings;
  const about = { config: model.checkpoint.config, model: name, backend, mode, kvType, ...(quantize && { quantize }) };
  const own: RecordedRun = {
    name: "run here",
    points: new Map([[SEEN, likewise.point()]]),
    ...{ isOrdered: true, ids, start: 0, about, inFloat32: "Leave --mode and --kv-type out" },
    close: async () => {},
  };
  return [own, served];
}

/** A recording's logits as the same questions would have seen them. @throws ServerError where it has not all of them */
export async function recordedLikewise(run: RecordedRun, served: ServedRun): Promise<RecordedRun> {
  const point = run.points.get(HEAD);
  if (point === undefined || run.start !== 0 || point.rows !== served.rows.length) {
    throw new ServerError({
      subject: run.name,
      expected: `${HEAD} at all ${served.rows.length} positions`,
      found: point === undefined ? "none" : `${point.rows} from position ${run.start} on`,
      remedy: "Record it whole, or name the model with -m instead.",
    });
  }
  const likewise = seenLikewise(served.rows);
  for (const [from, count] of pieces(point.rows, point.cols)) {
    likewise.add((await point.read(from, count)) as Float32Array, point.cols);
  }
  return { ...run, points: new Map([[SEEN, likewise.point()]]) };
}
