// One scenario, played: a model is opened from a server that does what the scenario says, and held against the file.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { openOn } from "../../src/api/open.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { streamTensors } from "../../src/formats/stream-tensors.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { locateUrl } from "../../src/sources/locate.ts";
import { openSources } from "../../src/sources/open-source.ts";
import type { Folder } from "../../src/sources/source.ts";
import type { NetworkOptions } from "../../src/sources/url.ts";
import { startNodeText } from "../../src/text/start-node.ts";
import { startNodeWorker } from "../../src/worker/start-node.ts";
import { kinds, SECRET, type ServedFile } from "./http-scenarios.ts";
import { serveScript } from "./scripted-server.ts";

/** How a model is opened, and what it is then told apart by. */
export type Opening = (location: { folder: Folder; file?: string }) => Promise<string>;

const FILE = new URL("../../golden/gguf/Q2_K.gguf", import.meta.url);
const NAME = "model.gguf";
/** Of one scenario; those that stall take 16 seconds. */
const LIMIT_MS = 120_000;

/** Of every tensor, name, place and bytes, read as two threads read them, but in this one. */
export const bytesRead: Opening = async ({ folder, file }) => {
  const checkpoint = await openCheckpoint(folder, file);
  const descriptors = structuredClone(checkpoint.files.map(({ descriptor }) => descriptor));
  const files = await openSources(descriptors);
  try {
    const hash = createHash("sha256");
    const sinks = [...checkpoint.tensors.values()].map((tensor) => ({
      tensor,
      write: (at: number, bytes: Uint8Array) => void hash.update(`${tensor.name} ${at}`).update(bytes),
    }));
    await streamTensors(files, sinks);
    return hash.digest("hex");
  } finally {
    await Promise.all([...checkpoint.files, ...files].map((one) => one.close()));
  }
};

/** Of logits' bits, from a model in a thread of its own. */
export const logitsOf: Opening = async (location) => {
  const openFiles = (): Promise<Checkpoint> => openCheckpoint(location.folder, location.file);
  const host = { startWorker: startNodeWorker, startText: startNodeText, openFiles };
  const model = await openOn(host, NAME, { mode: "exact", threads: 1, contextLength: 16 });
  try {
    const { data } = await model.logits([1, 2, 3]);
    return createHash("sha256").update(new Uint8Array(data.buffer)).digest("hex");
  } finally {
    await model.close();
  }
};

export interface Stage {
  readonly file: ServedFile;
  readonly opening: Opening;
  /** What the opening gives of the right model. */
  readonly expected: string;
  readonly network: NetworkOptions;
}

export async function createStage(opening: Opening, stallMs: number): Promise<Stage> {
  const bytes = new Uint8Array(readFileSync(FILE));
  const folder = blobFolder("memory", [{ name: NAME, blob: new Blob([bytes]) }]);
  const { tensors } = await openCheckpoint(folder, NAME);
  const parts = [...tensors.values()].flatMap((tensor) => tensor.parts);
  const begin = Math.min(...parts.map(({ offset }) => offset));
  const weightBytes = Math.max(...parts.map((part) => part.offset + part.bytes)) - begin;
  // Byte 40 lies within the first key of the metadata.
  const other = bytes.map((byte, i) => (i === 40 || i >= begin ? byte ^ 1 : byte));
  const patience = { tries: 4, retryMs: 2, longestWaitMs: 60_000, stallMs };
  return {
    file: { bytes, other, weightBytes },
    opening,
    expected: await opening({ folder, file: NAME }),
    network: { headers: SECRET, patience },
  };
}

/** @returns what is wrong; undefined when all is as the scenario says */
export async function play(stage: Stage, kind: string, seed: number): Promise<string | undefined> {
  const { file, opening, expected, network } = stage;
  const elsewhere = await serveScript((asked, response) => scenario.elsewhere?.(asked, response));
  const scenario = kinds[kind]({ file, random: randomOf(seed), elsewhereUrl: elsewhere.url });
  const server = await serveScript(scenario.answer);
  try {
    const outcome = await opening(locateUrl(`${server.url}/${NAME}`, network)).then(
      (found) => (found === expected ? "the right model" : "another model"),
      ({ name, message }: Error) => ({ name, message }),
    );
    if (typeof outcome === "string" || scenario.error === undefined) {
      const found = typeof outcome === "string" ? outcome : `${outcome.name}: ${outcome.message}`;
      if (scenario.error !== undefined)
        return `expected ${scenario.error.name} ${scenario.error.message}, found ${found}`;
      if (found !== "the right model") return `expected the right model, found ${found}`;
    } else if (outcome.name !== scenario.error.name || !scenario.error.message.test(outcome.message)) {
      return `expected ${scenario.error.name} ${scenario.error.message}, found ${outcome.name}: ${outcome.message}`;
    }
    if (server.asked.length !== scenario.requests) {
      return `expected ${scenario.requests} requests, found ${server.asked.length}`;
    }
    return scenario.wrong?.(server.asked, elsewhere.asked);
  } finally {
    await Promise.all([server.close(), elsewhere.close()]);
  }
}

export interface Play {
  /** Of a kind. */
  readonly name: string;
  readonly seed: number;
}

export interface Failure extends Play {
  /** What was wrong, and how to see it again. */
  readonly told: string;
}

/** Plays all, a number at once. */
export async function playAll(stage: Stage, plays: readonly Play[], atOnce: number): Promise<Failure[]> {
  const failures: Failure[] = [];
  const left = [...plays];
  const playInTurn = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const { name, seed } = one;
      const wrong = await Promise.race([play(stage, name, seed), outOfTime()]).catch(({ stack }) => stack);
      if (wrong === undefined) continue;
      failures.push({ ...one, told: `${name}: ${wrong}\n  again: --only "${name}" --seed ${seed}` });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, playInTurn));
  return failures;
}

function outOfTime(): Promise<string> {
  const seconds = LIMIT_MS / 1000;
  return new Promise((resolve) => setTimeout(resolve, LIMIT_MS, `expected an outcome within ${seconds} s`).unref());
}

/** Integers that look random, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
