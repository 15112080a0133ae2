// The most physical memory this process has held, page cache not counted.
import { readFileSync } from "node:fs";

/** VmHWM where Linux tells it: getrusage's figure may be that of the process before this one became what it is. */
export function peakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (kilobytes !== null) return Number(kilobytes[1]) * 1024;
  } catch {
    // No Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
