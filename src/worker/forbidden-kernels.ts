// What is said where a policy forbids WebAssembly, in a thread's first line or later.
import { SourceError } from "../sources/source-error.ts";

/** @param message  a browser's, of which each has its own */
export function forbiddenKernels(subject: string, message: string, cause?: Error): SourceError | undefined {
  if (!/WebAssembly/.test(message) || !/content.security|\bCSP\b|unsafe-eval/i.test(message)) return undefined;
  return new SourceError(
    {
      subject,
      expected: "a page that may compile WebAssembly",
      found: "one whose Content-Security-Policy forbids it",
      remedy: "Add 'wasm-unsafe-eval' to its script-src.",
    },
    { cause },
  );
}
