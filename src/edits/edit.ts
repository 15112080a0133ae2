// What a reader may change of a model that runs, as a text: KIND[:VALUES][@LAYERS], such as expert-off:7,9@2-5.
import { Lfm2Error } from "../lfm2-error.ts";
import type { Config } from "../model/config.ts";

export const normNames = ["operator_norm", "ffn_norm", "q_layernorm", "k_layernorm", "embedding_norm"] as const;
export type NormName = (typeof normNames)[number];

export const editKinds = [
  "expert-off",
  "expert-forced",
  "weight-zeroed",
  "k",
  "softmax",
  "no-bias",
  "no-normalization",
  "no-norm",
  "no-convolution",
] as const;
export type EditKind = (typeof editKinds)[number];

export interface Edit {
  readonly kind: EditKind;
  /** Of experts; of `k`, the one number. */
  readonly numbers: readonly number[];
  /** Of `no-norm`. */
  readonly norm?: NormName;
  /** Those where it applies, ascending. */
  readonly layers: readonly number[];
}

/** A text is no edit, or not one that this model can be given. */
export class EditError extends Lfm2Error {
  override readonly name = "EditError";
}

/** What each does, for people. */
export const editWords: Readonly<Record<EditKind, string>> = {
  "expert-off": "These experts are never chosen: they are masked before the choice.",
  "expert-forced": "These experts are always chosen, with their own scores as weights; the best others fill the rest.",
  "weight-zeroed": "These experts are chosen as before, but count nothing; the other weights stay as they are.",
  k: "So many experts to a token.",
  softmax: "Scores are a softmax over all experts instead of a sigmoid of each.",
  "no-bias": "The bias does not take part in the choice.",
  "no-normalization": "The chosen scores are the weights as they are, not divided by their sum.",
  "no-norm": "A norm is left out: what it is given goes on as it is.",
  "no-convolution": "The convolution is left out: B ⊙ x goes on as it is, without the two tokens before.",
};

const VALUED: readonly EditKind[] = ["expert-off", "expert-forced", "weight-zeroed", "k", "no-norm"];
const MOST_EDITS = 64;
const MOST_CHARACTERS = 4000;

const notation = `KIND[:VALUES][@LAYERS], KIND one of ${editKinds.join(", ")}`;

/**
 * @throws EditError naming the edit at fault
 */
export function parseEdits(texts: readonly string[], config: Config): Edit[] {
  if (texts.length > MOST_EDITS) {
    throw new EditError({ subject: "edits", expected: `at most ${MOST_EDITS}`, found: texts.length });
  }
  const edits = texts.map((text) => parseEdit(text, config));
  checkTogether(edits, config);
  return edits;
}

function parseEdit(text: string, config: Config): Edit {
  const subject = `edit ${JSON.stringify(text.slice(0, 60))}`;
  const refuse = (expected: string, found: string, remedy = ""): never => {
    throw new EditError({ subject, expected, found, remedy });
  };
  const [, name = "", values, layers] = /^([a-z-]+)(?::([^@]*))?(?:@(.*))?$/.exec(text.slice(0, MOST_CHARACTERS)) ?? [];
  const kind = editKinds.find((known) => known === name);
  if (kind === undefined) return refuse(notation, name === "" ? "another text" : JSON.stringify(name));
  const takesValues = VALUED.includes(kind);
  if (takesValues !== (values !== undefined)) {
    return refuse(
      takesValues ? `values, as in ${example(kind)}` : `none after ${kind}`,
      values === undefined ? "none" : "some",
    );
  }
  const possible = layersFor(kind, values, config);
  if (possible.length === 0) return refuse("a layer that has what it changes", "none in this model");
  const list = (given: string, below: number, what: string): number[] =>
    ranges(given, below) ?? refuse(`${what} from 0 to ${below - 1}, such as 2,5-7`, JSON.stringify(given.slice(0, 40)));
  const stated =
    layers === undefined || isEverywhere(values) ? possible : list(layers, config.numHiddenLayers, "layers");
  const applied = stated.filter((layer) => possible.includes(layer));
  if (applied.length === 0) {
    return refuse("a layer that has what it changes", `layers ${layers}`, `Those are ${possible.join(", ")}.`);
  }
  if (kind === "no-norm") {
    const norm = normNames.find((known) => known === values);
    return norm === undefined
      ? refuse(normNames.join(" or "), JSON.stringify(values))
      : { kind, numbers: [], norm, layers: applied };
  }
  if (kind === "k") {
    const k = /^\d{1,5}$/.test(values ?? "") ? Number(values) : 0;
    if (k < 1 || k > config.numExperts)
      return refuse(`a number from 1 to ${config.numExperts}`, JSON.stringify(values));
    return { kind, numbers: [k], layers: applied };
  }
  return { kind, numbers: takesValues ? list(values as string, config.numExperts, "experts") : [], layers: applied };
}

const example = (kind: EditKind): string =>
  ({ k: "k:2", "no-norm": "no-norm:ffn_norm@3" })[kind as string] ?? `${kind}:7,9@2-5`;

/** The last norm is no layer's. */
const isEverywhere = (values: string | undefined): boolean => values === "embedding_norm";

/** The layers that have what an edit changes. */
export function layersFor(kind: EditKind, values: string | undefined, config: Config): number[] {
  const all = config.layerTypes.map((_, layer) => layer);
  if (kind === "no-convolution") return all.filter((layer) => config.layerTypes[layer] === "conv");
  if (kind === "no-norm") {
    return /^[qk]_layernorm$/.test(values ?? "") ? all.filter((layer) => config.layerTypes[layer] !== "conv") : all;
  }
  const has =
    config.numExperts > 0 &&
    (kind !== "no-bias" || config.useExpertBias) &&
    (kind !== "no-normalization" || config.normTopkProb);
  return has ? all.slice(config.numDenseLayers) : [];
}

/** "2,5-7" → [2, 5, 6, 7]; undefined where it is no list of numbers below `below`. */
function ranges(text: string, below: number): number[] | undefined {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) >= below || Number(first) > Number(last)) return undefined;
    for (let value = Number(first); value <= Number(last); value++) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

/** In each layer enough experts have to be left, and not too many forced. */
function checkTogether(edits: readonly Edit[], config: Config): void {
  for (const [layer] of config.layerTypes.entries()) {
    const k = expertsToAToken(edits, layer, config.numExpertsPerTok);
    const off = numbersOf(edits, "expert-off", layer);
    const forced = numbersOf(edits, "expert-forced", layer).filter((expert) => !off.includes(expert));
    const subject = `edits of layer ${layer}`;
    if (off.length > 0 && config.numExperts - off.length < k) {
      throw new EditError({
        subject,
        expected: `at least ${k} experts left to choose`,
        found: config.numExperts - off.length,
      });
    }
    if (forced.length > k) {
      throw new EditError({
        subject,
        expected: `at most ${k} experts forced`,
        found: forced.length,
        remedy: "Raise k, too.",
      });
    }
  }
}

export function numbersOf(edits: readonly Edit[], kind: EditKind, layer: number): number[] {
  return edits.flatMap((edit) => (edit.kind === kind && edit.layers.includes(layer) ? edit.numbers : []));
}

/** The last edit that says so counts. */
export function expertsToAToken(edits: readonly Edit[], layer: number, otherwise: number): number {
  return numbersOf(edits, "k", layer).at(-1) ?? otherwise;
}
