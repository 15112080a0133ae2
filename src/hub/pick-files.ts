// Which files of a repository are the model that a name means.
import { SourceError } from "../sources/source-error.ts";
import { type HubName, spelled } from "./hub-name.ts";

export interface PickedModel {
  /** Of the file to open; left out where a folder is the model. */
  readonly file?: string;
  /** Everything that will be read of it: all parts of a split file, all shards of a folder. */
  readonly files: readonly string[];
}

/** Beside models lie what projects images, weights for quantizing, and drafts for speculative decoding. */
const NO_MODEL = /mmproj|imatrix|mtp-|eagle3-|dflash-|dspark-/i;
const QUANT = /(?:^|[-._])((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP4\w*|BF16|FP?16|FP?32))$/i;
const SPLIT = /-(\d{5})-of-(\d{5})\.gguf$/i;
/** Of a folder, beside its weights. */
const SETTINGS = /^(?:(?:config|generation_config|tokenizer|tokenizer_config|chat_template)\.json|.+\.jinja)$/;

/** One GGUF model, whole or in parts. */
interface GgufModel {
  readonly quant: string | undefined;
  /** In order. */
  readonly files: readonly string[];
}

/**
 * @param paths  of all files there are
 * @throws SourceError where none is meant, or more than one might be; it lists what there is
 */
export function pickFiles(name: HubName, paths: Iterable<string>): PickedModel {
  const all = [...paths];
  if (name.path !== undefined) return pickPath(name, name.path, all);
  const models = ggufModels(all);
  if (name.quant !== undefined) return pickQuant(name, name.quant, models);
  const weights = all.filter((path) => /^[^/]+\.safetensors$/i.test(path));
  if (all.includes("config.json") && weights.length > 0) {
    return { files: [...all.filter((path) => SETTINGS.test(path)), ...weights] };
  }
  if (models.length === 1) return pickedOf(models[0]);
  const expected = models.length === 0 ? "a model in GGUF or safetensors files" : "one model";
  throw unclear(name, expected, models, all);
}

function pickQuant(name: HubName, quant: string, models: readonly GgufModel[]): PickedModel {
  const same = models.filter((model) => model.quant?.toLowerCase() === quant.toLowerCase());
  // Otherwise as llama.cpp has it, for names that no rule foresees: anywhere in the path, before - or a dot.
  const inPath = new RegExp(`${quant.replaceAll(".", "\\.")}[.-]`, "i");
  const fitting = same.length > 0 ? same : models.filter(({ files }) => inPath.test(files[0]));
  if (fitting.length === 1) return pickedOf(fitting[0]);
  throw unclear(name, `one model of ${quant}`, fitting.length > 0 ? fitting : models, []);
}

function pickPath(name: HubName, path: string, all: readonly string[]): PickedModel {
  const model = ggufModels(all).find(({ files }) => files.includes(path));
  if (model !== undefined) return pickedOf(model);
  if (all.includes(path)) {
    const settings = all.filter((other) => SETTINGS.test(other));
    return { file: path, files: /\.safetensors$/i.test(path) ? [...settings, path] : [path] };
  }
  throw unclear(name, `a file ${path}`, ggufModels(all), all);
}

const pickedOf = ({ files }: GgufModel): PickedModel => ({ file: files[0], files });

function ggufModels(paths: readonly string[]): GgufModel[] {
  const parts = new Map<string, string[]>();
  for (const path of paths) {
    if (!/\.gguf$/i.test(path) || NO_MODEL.test(path)) continue;
    const [, , count] = SPLIT.exec(path) ?? [];
    const stem = path.replace(SPLIT, count === undefined ? "" : ` of ${count}`);
    parts.set(stem, [...(parts.get(stem) ?? []), path]);
  }
  return [...parts.values()].map((files) => ({ files: files.sort(), quant: quantOf(files[0]) }));
}

/** What a file's name, or else its folder's, says of its quantization. */
function quantOf(path: string): string | undefined {
  const [file, folder = ""] = path
    .replace(SPLIT, "")
    .replace(/\.gguf$/i, "")
    .split("/")
    .reverse();
  return QUANT.exec(file)?.[1] ?? QUANT.exec(folder)?.[1];
}

/** So many are listed. */
const LISTED = 40;

function unclear(name: HubName, expected: string, models: readonly GgufModel[], all: readonly string[]): SourceError {
  const quants = models.map(({ quant }) => quant?.toLowerCase());
  const isUnique = (quant: string | undefined): boolean =>
    quants.filter((other) => other === quant?.toLowerCase()).length === 1;
  const { repo, revision } = name;
  const choices = models.map(({ quant, files }) =>
    quant !== undefined && isUnique(quant) && name.quant === undefined
      ? spelled({ repo, revision, quant })
      : spelled({ repo, revision, path: files[0] }),
  );
  const listed = choices.length > 0 ? choices : all;
  const found = listed.length === 0 ? "none" : [...listed.slice(0, LISTED), ...(listed.length > LISTED ? ["…"] : [])];
  const remedy = choices.length > 0 ? "Name one of them." : "Name a repository with one.";
  return new SourceError({ subject: spelled(name), expected, found: String(found).replaceAll(",", ", "), remedy });
}
