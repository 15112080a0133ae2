// The compiled kernels as a page's server has them, beside the package's scripts.
import { SourceError } from "../sources/source-error.ts";

/** @throws SourceError when the server does not give them */
export async function fetchKernels(url: URL): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((cause: Error) => noKernels(url, cause.message));
  if (!response.ok) noKernels(url, `HTTP status ${response.status}`);
  // Not compileStreaming: it insists on a MIME type that many static servers do not send.
  return WebAssembly.compile(await response.arrayBuffer());
}

function noKernels({ pathname }: URL, found: string): never {
  throw new SourceError({
    subject: pathname,
    expected: "the compiled kernels",
    found,
    remedy: "Serve the package's dist/wasm folder beside its scripts.",
  });
}
