// The compiled kernels as a page's server has them, or as a script holds them.
import { SourceError } from "../sources/source-error.ts";
import type { KernelFile } from "../wasm/kernels.ts";
import { forbiddenKernels } from "./forbidden-kernels.ts";

/** Addresses of the builds. */
export type KernelUrls = { readonly [Name in KernelFile]?: string };

/** @throws SourceError when the server does not give them, or the page's policy forbids them */
export async function fetchKernels(urls: KernelUrls, file: KernelFile): Promise<WebAssembly.Module> {
  const url = urls[file] ?? file;
  const bytes = inlineBytes(url) ?? (await fetched(url));
  // Not compileStreaming: it insists on a MIME type that many static servers do not send.
  return WebAssembly.compile(bytes).catch((cause: Error) => {
    const forbidden = forbiddenKernels(file, cause.message, cause);
    if (forbidden !== undefined) throw forbidden;
    const parts = { subject: nameOf(url, file), expected: "the compiled kernels", found: cause.message, remedy: COPY };
    throw new SourceError(parts, { cause });
  });
}

async function fetched(url: string): Promise<ArrayBuffer> {
  const none = (found: string): never => {
    throw new SourceError({ subject: nameOf(url, url), expected: "the compiled kernels", found, remedy: COPY });
  };
  const response = await fetch(url).catch((cause: Error) => none(cause.message));
  if (!response.ok) none(`HTTP ${response.status}`);
  return response.arrayBuffer();
}

const COPY =
  "Serve the package's dist/assets as it is. If a bundler has not copied it, copy it and name its folder in the option " +
  "assets, or import from lfm2-wasm/inline (docs/bundlers.md).";

/** Not fetched: connect-src of a page's policy seldom allows data: URLs. */
function inlineBytes(url: string): Uint8Array<ArrayBuffer> | undefined {
  const base64 = /^data:[^,]*;base64,(.*)$/.exec(url)?.[1];
  return base64 === undefined ? undefined : Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
}

function nameOf(url: string, file: string): string {
  if (url.startsWith("data:") || !URL.canParse(url)) return file;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
