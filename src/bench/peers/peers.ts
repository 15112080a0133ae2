// `npm run bench -- --peers`: the same file in other engines, side by side and in turns, as ratios.
import { setTimeout } from "node:timers/promises";
import { openCheckpoint } from "../../formats/open-checkpoint.ts";
import { readTokenizer } from "../../formats/tokenizer-source.ts";
import { locateInNode } from "../../index.ts";
import { MAX_STEP } from "../../load/room.ts";
import { readConfig } from "../../model/config.ts";
import { createTokenizer, type Tokenizer } from "../../tokenizer/tokenizer.ts";
import { type MachineFacts, machineFacts } from "../product/machine.ts";
import { seededIds } from "../product/seeded-ids.ts";
import { type Spread, spreadOf } from "../product/statistics.ts";
import { openBrowserPair } from "./browser-peers.ts";
import { openNativePair } from "./native-peers.ts";
import type { Order, OurChoice, Pair, Peer, PeerOptions, Speeds } from "./peer.ts";
import { buildPackage, installPeer, PEER_VERSIONS } from "./peer-packages.ts";
import { quantile } from "./side-by-side.ts";

export const SURROUNDINGS = ["native", "browser"] as const;
export type Surroundings = (typeof SURROUNDINGS)[number];

export interface PeersRequest extends OurChoice {
  /** A GGUF file: no peer reads another container. */
  readonly path: string;
  readonly threads: number;
  readonly prefill: number;
  readonly decode: number;
  /** Sequences that write at the same time, in Node, after one alone; 1: none do. */
  readonly sequences: number;
  readonly rounds: number;
  readonly surroundings: readonly Surroundings[];
  /** Where packages are installed. */
  readonly folder: string;
}

export interface PeerFigures {
  readonly name: string;
  readonly prefill: Spread;
  readonly decode: Spread;
  /** Of all sequences that write at the same time; absent where one alone was measured. */
  readonly together?: Spread;
  /** Milliseconds between two tokens of one of them. */
  readonly gaps?: { readonly p50: number; readonly p95: number };
  readonly peakBytes: number | undefined;
}

export interface Comparison {
  readonly ours: PeerFigures;
  readonly theirs: PeerFigures;
  /** Ours over theirs, each round by itself. */
  readonly prefillRatio: Spread;
  readonly decodeRatio: Spread;
  readonly togetherRatio?: Spread;
}

export interface PeersRun {
  readonly kind: "lfm2 bench peers";
  readonly date: string;
  readonly machine: MachineFacts;
  readonly request: PeersRequest;
  readonly comparisons: readonly Comparison[];
  /** What could not be installed or run, and why. */
  readonly notes: readonly string[];
}

/** Threads of an engine that has had its turn spin for a while before they sleep. */
const REST_MS = 200;

export async function comparePeers(
  request: PeersRequest,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<PeersRun> {
  const comparisons: Comparison[] = [];
  const notes: string[] = [];
  const prompts = await promptsFor(request);
  for (const surroundings of request.surroundings) {
    if (signal.aborted) break;
    try {
      onProgress(`${surroundings}: installing and loading`);
      const pair = await openPair(surroundings, request, signal);
      try {
        const found = await alternate(
          pair,
          { ...request, sequences: sequencesIn(surroundings, request) },
          prompts,
          (round) => onProgress(`${surroundings}: round ${round}`),
          signal,
        );
        if (found !== undefined) comparisons.push(found);
      } finally {
        await Promise.all([pair.theirs.close(), pair.ours.close()]);
      }
    } catch (error) {
      notes.push(`${surroundings}: ${signal.aborted ? "stopped" : oneLine(error)}`);
    }
  }
  return {
    kind: "lfm2 bench peers",
    date: new Date().toISOString(),
    machine: machineFacts(),
    request,
    comparisons,
    notes,
  };
}

/** wllama has no way to run several. */
function sequencesIn(surroundings: Surroundings, { sequences }: PeersRequest): number {
  return surroundings === "native" ? sequences : 1;
}

async function openPair(surroundings: Surroundings, request: PeersRequest, signal: AbortSignal): Promise<Pair> {
  const { path, threads, mode, kernels, prefill, decode, folder: root } = request;
  const sequences = sequencesIn(surroundings, request);
  // A little more than is used: engines add tokens of their own. Ours has room for one context, which sequences share.
  const contextLength = Math.max(prefill + decode, sequences > 1 ? sequences * (decode + 64) : 0) + 64;
  const options: PeerOptions = { threads, mode, kernels, contextLength, sequences, batch: MAX_STEP };
  if (surroundings === "native") {
    const folder = await installPeer("node-llama-cpp", root);
    return openNativePair(path, options, { folder, version: PEER_VERSIONS["node-llama-cpp"], signal });
  }
  const folder = await installPeer("@wllama/wllama", root);
  const dist = await buildPackage(root);
  return openBrowserPair(path, options, { dist, folder, version: PEER_VERSIONS["@wllama/wllama"], signal });
}

/** One round more than is counted: the first compiles. If stopped early, it reports the rounds that both have finished. */
async function alternate(
  { ours, theirs }: Pair,
  { rounds, decode, sequences }: PeersRequest,
  prompts: readonly Prompt[],
  onRound: (round: number) => void,
  signal: AbortSignal,
): Promise<Comparison | undefined> {
  const found: { readonly ours: Speeds; readonly theirs: Speeds }[] = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      onRound(round);
      const order: Order = { ...prompts[round], newTokens: decode, sequences };
      const turn = async (peer: Peer): Promise<Speeds> => {
        await setTimeout(REST_MS, undefined, { signal });
        return peer.round(order);
      };
      // Who comes first changes, too.
      const first = await turn(round % 2 === 0 ? ours : theirs);
      const second = await turn(round % 2 === 0 ? theirs : ours);
      if (round > 0) found.push(round % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (found.length === 0) return undefined;
  const ratio = (key: "prefill" | "decode"): Spread =>
    spreadOf(found.map((round) => round.ours[key] / round.theirs[key]));
  const together = found.flatMap(({ ours: { together: a }, theirs: { together: b } }) =>
    a && b ? a.rate / b.rate : [],
  );
  return {
    ours: figuresOf(
      ours.name,
      found.map((round) => round.ours),
    ),
    theirs: figuresOf(
      theirs.name,
      found.map((round) => round.theirs),
    ),
    prefillRatio: ratio("prefill"),
    decodeRatio: ratio("decode"),
    ...(together.length > 0 && { togetherRatio: spreadOf(together) }),
  };
}

function figuresOf(name: string, rounds: readonly Speeds[]): PeerFigures {
  const together = rounds.flatMap((round) => round.together ?? []);
  const gaps = together.flatMap((round) => round.gaps).sort((a, b) => a - b);
  return {
    name,
    prefill: spreadOf(rounds.map(({ prefill }) => prefill)),
    decode: spreadOf(rounds.map(({ decode }) => decode)),
    ...(gaps.length > 0 && {
      together: spreadOf(together.map(({ rate }) => rate)),
      gaps: { p50: quantile(gaps, 0.5), p95: quantile(gaps, 0.95) },
    }),
    peakBytes: rounds.at(-1)?.peakBytes,
  };
}

type Prompt = Pick<Order, "ids" | "text">;

/** Another one for every round, so that nothing can be reused; the same for all engines. */
async function promptsFor({ path, prefill, rounds }: PeersRequest): Promise<Prompt[]> {
  const { folder, file } = await locateInNode(path);
  const checkpoint = await openCheckpoint(folder, file);
  try {
    const tokenizer = checkpoint.tokenizer && createTokenizer(readTokenizer(checkpoint.tokenizer));
    const { vocabSize } = readConfig(checkpoint.config);
    return Array.from({ length: rounds + 1 }, (_, round) =>
      promptOf(prefill, seededIds(26, round + 1), tokenizer, vocabSize),
    );
  } finally {
    await Promise.all(checkpoint.files.map((opened) => opened.close()));
  }
}

/** Letters in words of five, until there are enough tokens. */
function promptOf(tokens: number, letter: () => number, tokenizer: Tokenizer | undefined, vocabSize: number): Prompt {
  if (tokenizer === undefined) {
    return { ids: Array.from({ length: tokens }, seededIds(vocabSize, letter())), text: "a ".repeat(tokens / 2) };
  }
  for (let text = ""; ; text += " ") {
    for (let i = 0; i < 5; i++) text += String.fromCharCode(97 + letter());
    const ids = tokenizer.encode(text);
    if (ids.length >= tokens) return { ids: ids.slice(0, tokens), text };
  }
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").slice(0, 400);
}
