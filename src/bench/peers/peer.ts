// One engine among several that run the same file side by side.
import type { KernelBuildName } from "../../wasm/kernels.ts";

/** The same for every engine of a round. */
export interface Order {
  readonly ids: readonly number[];
  /** The same prompt for an engine that takes no ids. */
  readonly text: string;
  readonly newTokens: number;
}

/** What only our engine has a choice of; undefined: what `open` chooses. */
export interface OurChoice {
  readonly mode: "int8" | "exact";
  readonly kernels: KernelBuildName | undefined;
}

export interface Speeds {
  /** Tokens per second. */
  readonly prefill: number;
  readonly decode: number;
  /** The most physical memory that its process has held; absent where a browser hides it. */
  readonly peakBytes?: number;
}

/** What an engine is given once. */
export interface PeerOptions extends OurChoice {
  readonly threads: number;
  readonly contextLength: number;
  /** Longest step of a prefill; ours is fixed. */
  readonly batch: number;
}

export interface Peer {
  readonly name: string;
  round(order: Order): Promise<Speeds>;
  close(): Promise<void>;
}

/** Two engines in the same surroundings. */
export interface Pair {
  readonly ours: Peer;
  readonly theirs: Peer;
}
