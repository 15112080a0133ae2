// How a page starts the files thread.
import type { AssetUrls } from "../package-files/assets.ts";
import { startThread } from "../worker/start-browser.ts";
import type { FilesPort } from "./protocol.ts";

export function startBrowserFiles(assets: AssetUrls): FilesPort {
  return startThread("files-thread.js", assets);
}
