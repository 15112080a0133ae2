// Entry of a helper thread in a browser.
import { runHelper } from "./helper.ts";

addEventListener("message", ({ data }) => runHelper(data, () => postMessage("ready")), { once: true });
