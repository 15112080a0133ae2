// Entry of a worker that only reads memory.
import { createStreamer, type Passes } from "../../bench/read-limit/stream-passes.ts";

/** What a worker is told first: how much to hold, and the word that all share; without memory to share there is none. */
export interface StreamerTask {
  readonly bytes: number;
  readonly arrived: SharedArrayBuffer | undefined;
}

// A clock that workers of one page share.
const now = (): number => performance.timeOrigin + performance.now();
let run: ReturnType<typeof createStreamer> | undefined;

addEventListener("message", ({ data }: MessageEvent<StreamerTask | Passes>) => {
  if ("bytes" in data) {
    run = createStreamer(data.bytes, data.arrived && new Int32Array(data.arrived), now);
    postMessage("ready");
  } else postMessage(run?.(data));
});
