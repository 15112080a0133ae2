// How a page starts the files thread.
import { portOf } from "../worker/start-browser.ts";
import type { FilesPort } from "./protocol.ts";

export function startBrowserFiles(): FilesPort {
  // Written out, so that bundlers see it.
  return portOf(new Worker(new URL("./browser-thread.js", import.meta.url), { type: "module" }));
}
