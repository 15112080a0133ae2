// The most physical memory this process has held, page cache not counted.
import { readFileSync } from "node:fs";

/** VmHWM on Linux: getrusage's figure may include the program that this process ran before exec. */
export function peakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (kilobytes !== null) return Number(kilobytes[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
