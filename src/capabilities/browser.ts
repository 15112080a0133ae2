// What a page, or a worker of one, finds out about its browser.
import { whyNothingIsKept } from "../downloads/site-shelves.ts";
import { browserMachine, deviceMemoryBytes } from "../worker/browser-machine.ts";
import { type Capabilities, describeCapabilities, simdFound, whyNoStorage, whyNoThreads } from "./capabilities.ts";

/** What this browser can do for a model on this page, what `open` uses of it, and how to get what is missing. */
export async function capabilities(): Promise<Capabilities> {
  const page = {
    isSecureContext: globalThis.isSecureContext === true,
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    hasSharedArrayBuffer: typeof SharedArrayBuffer !== "undefined",
  };
  const simd = simdFound();
  const refusal = await whyNothingIsKept();
  return describeCapabilities({
    ...simd,
    machine: browserMachine(),
    noThreads: whyNoThreads(page),
    noStorage: refusal === undefined ? undefined : whyNoStorage(page, refusal),
    hardwareThreads: navigator.hardwareConcurrency || 1,
    memoryBytes: deviceMemoryBytes(),
  });
}
