// Which folder and which file a caller means by a URL, a Blob, bytes, or a list of Files.
import { blobFolder } from "./blob.ts";
import { type Folder, SourceError } from "./source.ts";
import { splitUrl, urlFolder } from "./url.ts";

export interface Location {
  readonly folder: Folder;
  /** Left out for a Hugging Face folder. */
  readonly file?: string;
}

/** A URL that ends with a slash is a folder. */
export function locateUrl(url: string, headers?: Record<string, string>): Location {
  const { folder, fileName } = splitUrl(url);
  return { folder: urlFolder(folder, headers), file: fileName === "" ? undefined : fileName };
}

/** One Blob is a GGUF file. Of several Files, the GGUF (or the first part of one) or else a Hugging Face folder. */
export function locateBlobs(
  source: Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList,
): Location {
  if (source instanceof Blob || source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const blob = source instanceof Blob ? source : new Blob([source]);
    const name = "name" in blob && typeof blob.name === "string" ? blob.name : "model.gguf";
    return { folder: blobFolder(name, [{ name, blob }]), file: name };
  }
  const files = Array.from(source);
  const ggufs = files.map(({ name }) => name).filter((name) => name.endsWith(".gguf"));
  const first = ggufs.length === 1 ? ggufs[0] : ggufs.find((name) => /-0*1-of-\d+\.gguf$/.test(name));
  if (ggufs.length > 0 && first === undefined) {
    throw new SourceError(
      `files: expected one model, found ${ggufs.length} GGUF files: ${ggufs.join(", ")}. Choose one.`,
    );
  }
  return { folder: blobFolder("chosen files", files), file: first };
}
