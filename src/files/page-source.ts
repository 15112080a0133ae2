// What a page opens, as its files thread takes it.
import { parseHubName } from "../hub/hub-name.ts";
import { locateBlobs } from "../sources/locate.ts";
import { SourceError } from "../sources/source-error.ts";
import type { OpenFiles } from "./protocol.ts";

type PageSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList;

/** @throws SourceError for what names no model */
export function pageSource(source: PageSource, hubEndpoint?: string): OpenFiles["source"] {
  if (typeof source === "string" || source instanceof URL) return addressOf(String(source), hubEndpoint);
  locateBlobs(source); // for its refusals
  if (source instanceof Blob) return source;
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return new Blob([source]);
  return Array.from(source, (file) => ({ blob: file, name: file.name, path: file.webkitRelativePath ?? "" }));
}

function addressOf(text: string, hubEndpoint: string | undefined): string {
  if (parseHubName(text, hubEndpoint) !== undefined) return text;
  if (URL.canParse(text, location.href)) return new URL(text, location.href).href;
  throw new SourceError({
    subject: text,
    expected: "a URL, or a path beneath this page's",
    found: "neither",
    remedy: "Mend it.",
  });
}
