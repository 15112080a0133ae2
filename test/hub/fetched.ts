// A model's file fetched from a fake hub into a cache of its own, and read back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { HubAccess } from "../../src/hub/hub-folder.ts";
import { parseHubName } from "../../src/hub/hub-name.ts";
import { nodeHubCache } from "../../src/hub/node-hub-cache.ts";
import { locateHub } from "../../src/hub/open-hub.ts";
import type { FakeHub } from "./fake-hub.ts";

/** Looks random, the same each time. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function emptyFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "lfm2-hub-")));
  return folders.at(-1) as string;
}

export const PART_BYTES = 100_000;
export const patience = { tries: 4, retryMs: 2, longestWaitMs: 60_000, stallMs: 10_000 };

export interface CacheOf {
  readonly folder: string;
}

export function accessTo(hub: FakeHub, folder: string, more: Partial<HubAccess> & { token?: string } = {}): HubAccess {
  const { token, ...rest } = more;
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return {
    hub: { endpoint: hub.endpoint, network: { headers, patience } },
    cache: nodeHubCache(folder, { partBytes: PART_BYTES, connections: 3 }),
    offline: false,
    reads: "whole",
    ...rest,
  };
}

/** The content of the file that a name means. @throws what opening it throws */
export async function fetched(name: string, access: HubAccess): Promise<Buffer> {
  const parsed = parseHubName(name, access.hub.endpoint);
  if (parsed === undefined) throw new Error(`${name} names nothing`);
  const { folder, file } = await locateHub(parsed, access);
  const source = await folder.open(file ?? "config.json");
  if (source === undefined) throw new Error(`${file} is not there`);
  try {
    return Buffer.from(await source.read(0, source.size));
  } finally {
    await source.close();
  }
}
