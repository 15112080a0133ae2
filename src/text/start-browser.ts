// How a page starts the text thread.
import type { AssetUrls } from "../package-files/assets.ts";
import { startThread } from "../worker/start-browser.ts";
import type { TextPort } from "./protocol.ts";

export function startBrowserText(assets: AssetUrls): TextPort {
  return startThread("text-thread.js", assets);
}
