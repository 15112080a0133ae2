// What an engine can do for a model, what of it `open` uses, and how to get what is missing.
import { defaultThreads, type Machine } from "../load/machine.ts";
import { hasSimd, isRelaxed, type KernelBuildName } from "../wasm/kernels.ts";

/** `unavailable` says why not, and how to get it. */
export type Capability = { readonly available: true } | { readonly available: false; readonly unavailable: string };

export interface Capabilities {
  /** WebAssembly with SIMD, without which no model runs. */
  readonly simd: Capability;
  /** The integer dot product of relaxed SIMD: faster, with the same bits. */
  readonly relaxedSimd: Capability;
  /** Memory that threads share, without which a model has one. */
  readonly threads: Capability;
  /** A place where files that were fetched are kept. */
  readonly storage: Capability;
  /** As the engine reports them. */
  readonly hardwareThreads: number;
  /** What a model can have. Chromium tells it in steps up to 8 GiB, which stand for more; undefined where it is unknown. */
  readonly memoryBytes: number | undefined;
  /**
   * What `open` uses unless its options say otherwise; undefined where no model runs. How many of the threads compute is
   * measured on each model: `model.settings.computing`.
   */
  readonly uses: { readonly kernels: KernelBuildName; readonly threads: number } | undefined;
}

/** What has been found out about an engine; `noThreads` and `noStorage` are reasons. */
export interface Found {
  readonly machine: Machine;
  readonly noThreads: string | undefined;
  readonly noStorage: string | undefined;
  readonly hardwareThreads: number;
  readonly memoryBytes: number | undefined;
  readonly hasWebAssembly: boolean;
  readonly hasSimd: boolean;
}

export function describeCapabilities(found: Found): Capabilities {
  const { machine, hardwareThreads, memoryBytes } = found;
  const runs = found.hasWebAssembly && found.hasSimd;
  return {
    simd: unless(runs ? undefined : found.hasWebAssembly ? NO_SIMD : NO_WEBASSEMBLY),
    relaxedSimd: unless(isRelaxed(machine.builds[0]) ? undefined : NO_RELAXED_SIMD),
    threads: unless(found.noThreads),
    storage: unless(found.noStorage),
    hardwareThreads,
    memoryBytes,
    uses: runs ? { kernels: machine.builds[0], threads: defaultThreads(machine) } : undefined,
  };
}

export function simdFound(): Pick<Found, "hasWebAssembly" | "hasSimd"> {
  const hasWebAssembly = typeof WebAssembly !== "undefined";
  return { hasWebAssembly, hasSimd: hasWebAssembly && hasSimd() };
}

/** What a page says of itself: the globals of the same names. */
export interface PageFacts {
  readonly isSecureContext: boolean;
  readonly crossOriginIsolated: boolean;
  readonly hasSharedArrayBuffer: boolean;
}

/** Why threads cannot share memory; undefined where they can. */
export function whyNoThreads(page: PageFacts): string | undefined {
  if (!page.isSecureContext) return INSECURE;
  if (!page.crossOriginIsolated) return NOT_ISOLATED;
  return page.hasSharedArrayBuffer ? undefined : NO_SHARED_MEMORY;
}

/** @param refusal  the browser's own words */
export function whyNoStorage({ isSecureContext }: Pick<PageFacts, "isSecureContext">, refusal: string): string {
  if (!isSecureContext) return INSECURE;
  return `This browser keeps no files for this page (${refusal}): private windows and blocked cookies are the usual causes.`;
}

function unless(reason: string | undefined): Capability {
  return reason === undefined ? { available: true } : { available: false, unavailable: reason };
}

const VERSIONS = "Chrome 91, Firefox 89, Safari 16.4 and later versions have it";
const NO_WEBASSEMBLY = `This engine has no WebAssembly: ${VERSIONS}, unless it is switched off (lockdown mode).`;
const NO_SIMD = `This engine's WebAssembly has no SIMD: ${VERSIONS}.`;
const NO_RELAXED_SIMD =
  "This engine has no relaxed SIMD: current Chromium, Firefox and Node have it. Kernels without it give the same bits.";
const INSECURE = "This page's address is not secure: serve it over https:, or from localhost.";
const NOT_ISOLATED =
  "This page is not cross-origin isolated: serve it with the headers Cross-Origin-Opener-Policy: same-origin and " +
  "Cross-Origin-Embedder-Policy: require-corp, and the scripts of its workers with the second.";
const NO_SHARED_MEMORY =
  "This page is cross-origin isolated, but its engine has no SharedArrayBuffer: WebKitGTK has it with " +
  "JSC_useSharedArrayBuffer=1 in its environment.";
