// A worker from a script's address, wherever that is, and under whatever policy.
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** What a page's policy has to name under `trusted-types`. */
const POLICY = "lfm2-wasm";

/** Kept, as helper threads are started from the same. */
const imports = new Map<string, string>();

/** @throws SecurityError or TypeError where the page's policy forbids it */
export function createModuleWorker(url: string): Worker {
  return new Worker(trusted(sameOrigin(url)), { type: "module" });
}

/** Workers have to be of the page's own origin; a script that imports one of another origin may be written by the page. */
function sameOrigin(url: string): string {
  if (new URL(url).origin === location.origin) return url;
  let own = imports.get(url);
  if (own === undefined) {
    own = URL.createObjectURL(new Blob([`import ${JSON.stringify(url)};`], { type: "text/javascript" }));
    imports.set(url, own);
  }
  return own;
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  try {
    policy ??= trustedTypes?.createPolicy(POLICY, { createScriptURL: (address) => address });
  } catch {
    // The page's policy does not name this one. If it wants addresses to be trusted, the worker is refused.
  }
  return policy?.createScriptURL(url) ?? url;
}
