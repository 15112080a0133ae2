// How a page starts the text thread.
import { portOf } from "../worker/start-browser.ts";
import type { TextPort } from "./protocol.ts";

export function startBrowserText(): TextPort {
  // Written out, so that bundlers see it.
  return portOf(new Worker(new URL("./browser-thread.js", import.meta.url), { type: "module" }));
}
