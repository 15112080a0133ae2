// A run that is looked at: its tokens, and the tensors of every layer, whether the model ran here or a trace was dropped in.
import { type Config, readConfig } from "../../model/config.ts";
import { openTrace } from "../../oracle/recorded/open-trace.ts";
import { planTrace } from "../../oracle/trace/trace-plan.ts";
import { formatBytes } from "../../quantities.ts";
import { blobFolder } from "../../sources/blob.ts";
import type { OpenModel } from "../model/models.ts";

export interface Numbers {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array | Int32Array;
}

export interface SeenRun {
  /** Where it comes from, for people. */
  readonly origin: string;
  /** Of the model that is open, which can compute more of it. */
  readonly isLive: boolean;
  readonly config: Config;
  readonly ids: readonly number[];
  /** Index of the first token of the answer; as many as there are where there is none. */
  readonly answerFrom: number;
  readonly points: ReadonlyMap<string, Numbers>;
  /** Of the model that gives words to ids, where it is the same. */
  readonly edits: readonly string[];
}

/** A row of a point; undefined where it was not recorded. */
export function rowOf(run: SeenRun, name: string, token: number): Float32Array | undefined {
  const point = run.points.get(name);
  if (point === undefined || token >= point.rows) return undefined;
  return point.data.subarray(token * point.cols, (token + 1) * point.cols) as Float32Array;
}

export const layerName = (layer: number): string => `model.layers.${layer}`;
export const isConv = ({ config }: SeenRun, layer: number): boolean => config.layerTypes[layer] === "conv";
export const isSparse = ({ config }: SeenRun, layer: number): boolean =>
  config.numExperts > 0 && layer >= config.numDenseLayers;

/** What the views read; the experts' own rows and the logits are left out, which are long. */
const READ =
  /^model\.(embed_tokens|embedding_norm|layers\.\d+)$|\.(operator_norm|ffn_norm|conv|in_proj|input|self_attn|q_rope|k_rope|feed_forward|expert_bias)$|\.gate\.\w+$/;

export const MOST_TOKENS = 512;
const MOST_BYTES = 500e6;

/** @throws Error saying what does not fit; what the model throws */
export async function runHere(
  { model }: OpenModel,
  ids: readonly number[],
  answerFrom: number,
  edits: readonly string[],
  signal: AbortSignal,
): Promise<SeenRun> {
  const { config } = model;
  const all = planTrace(config, ids.length, { edits });
  const chosen = all.points.filter(({ name }) => READ.test(name));
  const points = chosen.map(({ name }) => name);
  const plan = planTrace(config, ids.length, { points, edits });
  if (plan.bytes > MOST_BYTES) {
    throw new Error(
      `A look inside ${ids.length} tokens takes ${formatBytes(plan.bytes)}; this page takes ${formatBytes(MOST_BYTES)} at most. Ask something shorter.`,
    );
  }
  const found = new Map<string, Numbers>();
  for (const {
    name,
    shape: [rows, cols],
    dtype,
  } of plan.points) {
    found.set(name, {
      rows,
      cols,
      data: dtype === "I32" ? new Int32Array(rows * cols) : new Float32Array(rows * cols),
    });
  }
  for await (const { name, position, data } of model.trace(ids, { points, edits, signal })) {
    const { cols, data: whole } = found.get(name) as Numbers;
    whole.set(data as Float32Array<ArrayBuffer>, name.endsWith(".expert_bias") ? 0 : position * cols);
  }
  return { origin: "this model, exact float32", isLive: true, config, ids, answerFrom, points: found, edits };
}

/** @throws FormatError, ConfigError, or an Error saying what the files lack */
export async function runDropped(files: readonly File[]): Promise<SeenRun> {
  if (!files.some(({ name }) => name === "trace.json"))
    throw new Error("Drop the two files that lfm2 trace wrote: trace.json and trace.safetensors.");
  const recorded = await openTrace(blobFolder("trace", files));
  try {
    const config = readConfig((recorded.about?.config ?? {}) as Record<string, unknown>);
    const wanted = [...recorded.points.values()].filter(({ name }) => READ.test(name) || name === "lm_head");
    const bytes = wanted.reduce((sum, { rows, cols }) => sum + 4 * rows * cols, 0);
    if (bytes > 2 * MOST_BYTES)
      throw new Error(`The trace holds ${formatBytes(bytes)} of what is shown here; record fewer positions.`);
    const points = new Map<string, Numbers>();
    for (const point of wanted) {
      const { name, rows, cols } = point;
      points.set(name, { rows, cols, data: await point.read(0, rows) });
    }
    const rows = Math.max(0, ...wanted.map((point) => point.rows));
    const ids = (recorded.ids ?? []).slice(recorded.start, recorded.start + rows);
    const named = recorded.about?.model ?? "a model that is not named";
    return { origin: `a trace of ${named}`, isLive: false, config, ids, answerFrom: ids.length, points, edits: [] };
  } finally {
    await recorded.close();
  }
}
