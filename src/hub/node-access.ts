// The hub as a process of Node reaches it: by its environment, and with the cache on disk.
import type { NetworkOptions } from "../sources/url.ts";
import type { HubAccess } from "./hub-folder.ts";
import type { HubEnvironment } from "./node-environment.ts";
import { nodeHubCache } from "./node-hub-cache.ts";

export interface AccessOptions
  extends NetworkOptions,
    Partial<Pick<HubAccess, "offline" | "reads" | "signal" | "onProgress">> {}

/** An Authorization among the headers counts before the environment's token. */
export async function nodeAccess(
  environment: HubEnvironment,
  { headers = {}, patience, wait, offline = false, reads = "whole", signal, onProgress }: AccessOptions,
): Promise<HubAccess> {
  const isStated = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  const token = isStated ? undefined : await environment.token();
  const all = token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` };
  return {
    hub: { endpoint: environment.endpoint, network: { headers: all, patience, wait } },
    cache: nodeHubCache(environment.hubCache),
    offline: offline || environment.offline,
    reads,
    signal,
    onProgress,
  };
}
