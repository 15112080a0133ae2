// This package in Node beside llama.cpp's native build, each in a process of its own.
import { startChild } from "../product/child.ts";
import type { ToLlamaCpp } from "./llama-cpp-process.ts";
import type { ToOurs } from "./ours-process.ts";
import type { Pair, Peer, PeerOptions, Speeds } from "./peer.ts";

/** @param folder  in which node-llama-cpp is installed */
export async function openNativePair(
  path: string,
  options: PeerOptions,
  { folder, version, signal }: { readonly folder: string; readonly version: string; readonly signal: AbortSignal },
): Promise<Pair> {
  const theirs = await openPeer(
    `llama.cpp native, Node (node-llama-cpp ${version})`,
    "llama-cpp-process",
    { kind: "open", folder, path, options } satisfies ToLlamaCpp,
    signal,
  );
  try {
    const message: ToOurs = { kind: "open", path, options };
    return {
      theirs,
      ours: await openPeer(`lfm2-wasm, Node ${process.versions.node}`, "ours-process", message, signal),
    };
  } catch (error) {
    await theirs.close();
    throw error;
  }
}

async function openPeer(name: string, entry: string, open: object, signal: AbortSignal): Promise<Peer> {
  const child = startChild(import.meta.url, entry, { signal });
  try {
    await child.ask(open);
  } catch (error) {
    await child.close();
    throw error;
  }
  return {
    name,
    round: async (order) => (await child.ask({ kind: "round", ...order })) as Speeds,
    close: child.close,
  };
}
