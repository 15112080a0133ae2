// Which folder and which file a caller means by a URL, a Blob, bytes, or a list of Files.
import { blobFolder } from "./blob.ts";
import type { Folder } from "./source.ts";
import { SourceError } from "./source-error.ts";
import { type NetworkOptions, splitUrl, urlFolder } from "./url.ts";

export interface Location {
  readonly folder: Folder;
  /** Left out for a Hugging Face folder. */
  readonly file?: string;
}

/** A picked folder may hold much beside a model. */
const MAX_FILES = 100_000;

/** A URL that ends with a slash is a folder. */
export function locateUrl(url: string, network?: NetworkOptions): Location {
  const { folder, fileName } = splitUrl(url);
  return { folder: urlFolder(folder, network), file: fileName === "" ? undefined : fileName };
}

/**
 * One Blob or File is a GGUF file, whatever its name. Several Files are a Hugging Face folder where they have its config
 * and its weights, and else the GGUF among them, or the first part of one.
 */
export function locateBlobs(
  source: Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList,
): Location {
  if (source instanceof Blob || source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const blob = source instanceof Blob ? source : new Blob([source]);
    const name = "name" in blob && typeof blob.name === "string" ? blob.name : "model.gguf";
    return { folder: blobFolder(name, [{ name, blob }]), file: name };
  }
  const { files, subfolders } = byFolder(filesOf(source));
  const names = files.map(({ name }) => name);
  const folder = blobFolder("chosen files", files, subfolders);
  if (names.length === 1) return { folder, file: names[0] };
  if (names.includes("config.json") && names.some((name) => /\.safetensors$/i.test(name))) return { folder };
  const ggufs = names.filter((name) => /\.gguf$/i.test(name));
  const first = ggufs.length === 1 ? ggufs[0] : ggufs.find((name) => /-0*1-of-\d+\.gguf$/i.test(name));
  if (ggufs.length > 0 && first === undefined) {
    throw new SourceError({
      subject: "files",
      expected: "one model",
      found: `${ggufs.length} GGUF files: ${ggufs.join(", ")}`,
      remedy: "Choose one.",
    });
  }
  return { folder, file: first };
}

/** What lies in a subfolder of a picked folder does not usually belong to the model: checkpoints of its training, say. */
function byFolder(all: readonly File[]): { files: File[]; subfolders: Map<string, Folder> } {
  const files: File[] = [];
  const inner = new Map<string, File[]>();
  for (const file of all) {
    const [, subfolder, ...path] = (file.webkitRelativePath ?? "").split("/");
    if (path.length === 0) files.push(file);
    else if (path.length === 1) {
      const members = inner.get(subfolder) ?? [];
      members.push(file);
      inner.set(subfolder, members);
    }
  }
  const names = new Set<string>();
  for (const { name } of files) {
    if (names.has(name)) {
      throw new SourceError({
        subject: "files",
        expected: "each name once",
        found: `two files named ${name}`,
        remedy: "Choose one model's files.",
      });
    }
    names.add(name);
  }
  return { files, subfolders: new Map([...inner].map(([name, members]) => [name, blobFolder(name, members)])) };
}

function filesOf(source: unknown): File[] {
  const isList = typeof source === "object" && source !== null && (Symbol.iterator in source || "length" in source);
  if (isList && (source as ArrayLike<unknown>).length > MAX_FILES) {
    const found = (source as ArrayLike<unknown>).length;
    throw new SourceError({
      subject: "model",
      expected: `a list of at most ${MAX_FILES} Files`,
      found,
      remedy: "Choose one model's.",
    });
  }
  const files: unknown[] = isList ? Array.from(source as ArrayLike<unknown>) : [source];
  if (files.length === 0) {
    throw new SourceError({
      subject: "model",
      expected: "a list of Files",
      found: "an empty one",
      remedy: "Choose a file.",
    });
  }
  const wrong = files.findIndex((file) => !(file instanceof Blob && "name" in file && typeof file.name === "string"));
  if (wrong < 0) return files as File[];
  const file = files[wrong];
  const found = (typeof file === "object" && file?.constructor?.name) || String(file).slice(0, 40);
  throw new SourceError({
    subject: "model",
    expected: "a path, a URL, a Blob, bytes or a list of Files",
    found,
    remedy: "Pass one.",
  });
}
