// Entry of the text thread in a browser.
import { serveText } from "./serve.ts";

serveText({
  post: (message, transfer = []) => postMessage(message, { transfer }),
  onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
});
