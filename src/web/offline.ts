// Registers the service worker, which keeps the page's files and isolates the page on hosts that send no headers for it.

/** Set before the one reload that isolation may take, so that there is no second. */
const RELOADED = "lfm2-isolating";

interface Factory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** @param idle  when the page has fetched what it needs: keeping its files should not delay that */
export async function registerOffline(idle: Promise<unknown>): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  if (crossOriginIsolated) await idle;
  const url = new URL("offline.js", document.baseURI).href;
  const { trustedTypes } = globalThis as { trustedTypes?: Factory };
  const policy = trustedTypes?.createPolicy("lfm2-page", { createScriptURL: (address) => address });
  try {
    await navigator.serviceWorker.register(policy?.createScriptURL(url) ?? url);
    await navigator.serviceWorker.ready;
  } catch {
    return; // private windows have none; the page works without it
  }
  if (crossOriginIsolated || sessionStorage.getItem(RELOADED) !== null) return;
  sessionStorage.setItem(RELOADED, "1");
  location.reload();
}
