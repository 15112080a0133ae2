// What the places have in common where a browser keeps files for a site: room, locks, and errors.
import { formatBytes } from "../quantities.ts";
import { SourceError } from "../sources/source-error.ts";
import { NoRoomError } from "./no-room.ts";
import type { Shelf } from "./shelf.ts";

/** @param top  the folder that is a shelf's root */
export function siteStorage(top: string): Pick<Shelf, "name" | "checkRoom" | "withLock" | "failure"> {
  return {
    name: "of this browser",
    async checkRoom(_, bytes) {
      // WebKitGTK has none.
      const { quota, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
      if (quota === undefined || bytes <= quota - usage) return;
      throw new NoRoomError({
        subject: "this browser's storage",
        expected: `room for ${formatBytes(bytes)}`,
        found: formatBytes(Math.max(0, quota - usage)),
        remedy: "Delete models that are not needed with removeCached(), or free space on the disk.",
      });
    },
    async withLock(path, { signal, onWait }, work) {
      const name = `lfm2-wasm ${top}/${path}`;
      const held = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
        return lock === null ? undefined : { value: await work() };
      });
      if (held !== undefined) return held.value;
      onWait?.();
      const waited = await navigator.locks.request(name, { signal }, async () => ({ value: await work() }));
      return waited.value;
    },
    failure(path, error) {
      const { name } = error as Error;
      if (!(error instanceof DOMException) || name === "AbortError") return error;
      const remedies: Record<string, string> = {
        QuotaExceededError: "Delete models that are not needed with removeCached(); what has come of this one is kept.",
        NoModificationAllowedError: "Another tab is using it; close that one, or try again later.",
      };
      const remedy = remedies[name] ?? "Open it with { cache: false } to do without.";
      const parts = { subject: `${path} in this browser's storage`, expected: "a place to write", found: name, remedy };
      return new SourceError(parts, { cause: error });
    },
  };
}
