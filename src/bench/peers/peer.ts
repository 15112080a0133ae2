// One engine among several that run the same file side by side.
import type { KernelBuildName } from "../../wasm/kernels.ts";
import type { SideBySide } from "./side-by-side.ts";

/** The same for every engine of a round. */
export interface Order {
  readonly ids: readonly number[];
  /** The same prompt for an engine that takes no ids. */
  readonly text: string;
  readonly newTokens: number;
  /** Sequences that write at the same time afterwards; 1: none do. */
  readonly sequences: number;
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
  /** Of many sequences; absent where only one was asked for. */
  readonly together?: SideBySide;
}

/** Tokens of each prompt of many sequences. */
const SHORT_PROMPT = 16;

/** A prompt for each of many sequences. */
export function shortPrompts({ ids, sequences }: Order): number[][] {
  return Array.from({ length: sequences }, (_, i) => [...ids.slice(i), ...ids.slice(0, i)].slice(0, SHORT_PROMPT));
}

/** What an engine is given once. */
export interface PeerOptions extends OurChoice {
  readonly threads: number;
  /** Of each sequence. */
  readonly contextLength: number;
  readonly sequences: number;
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
