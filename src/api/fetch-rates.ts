// Progress of fetching, with its speed and the time left.
import { createSpeed } from "../downloads/speed.ts";
import type { Progress } from "./language-model.ts";

export function withRates(onProgress: (progress: Progress) => void): (progress: Progress) => void {
  const speed = createSpeed();
  return (progress) => {
    const { phase, done, total } = progress;
    const bytesPerSecond = phase === "fetch" ? speed(done, performance.now()) : undefined;
    if (bytesPerSecond === undefined || bytesPerSecond <= 0) onProgress(progress);
    else onProgress({ ...progress, bytesPerSecond, secondsLeft: (total - done) / bytesPerSecond });
  };
}
