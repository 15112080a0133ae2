// The machine that a figure was measured on; without it, a figure says nothing.
import { cpus, totalmem } from "node:os";
import { type DotProductWords, dotProductWords } from "./dot-product-words.ts";

export interface MachineFacts {
  readonly cpu: string;
  /** As the operating system counts them: threads of one core count separately. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly dotProduct: DotProductWords;
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
    dotProduct: dotProductWords(),
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

/** "AMD EPYC 9575F, 2 CPUs, linux x64, dot product: one instruction, Node 24.21.0". */
export function machineLine({ cpu, cpus, platform, dotProduct, node }: MachineFacts): string {
  return `${cpu}, ${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${platform}, dot product: ${dotProduct}, Node ${node}`;
}
