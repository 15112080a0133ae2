// The machine that a figure was measured on; without it, a figure says nothing.
import { cpus, totalmem } from "node:os";
import { dotProductOfBytes } from "../../wasm/dot-product.ts";
import { usableBuilds } from "../../wasm/kernels.ts";

export interface MachineFacts {
  readonly cpu: string;
  /** As the operating system counts them: threads of one core count separately. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly platform: string;
  /** What the speed of integer products depends on most. */
  readonly dotProduct: "one instruction" | "several instructions" | "baseline SIMD";
  readonly node: string;
  readonly v8: string;
}

export function machineFacts(): MachineFacts {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() || "unknown processor",
    cpus: all.length,
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    dotProduct: dotProduct(),
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

function dotProduct(): MachineFacts["dotProduct"] {
  if (!usableBuilds().includes("relaxed")) return "baseline SIMD";
  return dotProductOfBytes() === "saturating" ? "several instructions" : "one instruction";
}

/** "AMD EPYC 9575F, 2 CPUs, linux x64, dot product: one instruction, Node 24.21.0". */
export function machineLine({ cpu, cpus, platform, dotProduct, node }: MachineFacts): string {
  return `${cpu}, ${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${platform}, dot product: ${dotProduct}, Node ${node}`;
}
