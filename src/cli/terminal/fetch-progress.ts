// How far the opening of a model has come, on one line: fetching, with speed and time left, checking, loading.
import { createSpeed } from "../../downloads/speed.ts";
import type { Progress } from "../../index.ts";
import { formatBytes, formatPercent } from "../../quantities.ts";
import { createProgressLine, type ProgressLine } from "./progress-line.ts";

const words = { fetch: "Fetching", check: "Checking", load: "Loading", prefill: "Reading" } as const;

export interface FetchProgress extends ProgressLine {
  onProgress(progress: Progress): void;
}

export function createFetchProgress(): FetchProgress {
  const line = createProgressLine();
  const speed = createSpeed();
  return {
    ...line,
    onProgress({ phase, done, total }) {
      if (phase === "wait") {
        line.show(`Waiting for another process, which fetches the same file of ${formatBytes(total)}`);
        return;
      }
      const rate = phase === "fetch" ? ratesText(speed(done, performance.now()), total - done) : "";
      line.show(`${words[phase]}: ${formatPercent(done, total)} of ${formatBytes(total)}${rate}`);
    },
  };
}

function ratesText(bytesPerSecond: number | undefined, left: number): string {
  if (bytesPerSecond === undefined || bytesPerSecond <= 0) return "";
  return `, ${formatBytes(Math.round(bytesPerSecond))}/s, ${timeText(left / bytesPerSecond)} left`;
}

/** 75 → "1:15"; 3900 → "1:05:00". */
export function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number): string => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
