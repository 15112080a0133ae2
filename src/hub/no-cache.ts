// Where nothing is kept yet, as in pages: every file of the hub is read by ranges, as from any other URL.
import type { HubCache } from "./hub-cache.ts";

const nothing = async (): Promise<undefined> => undefined;

export const noCache: HubCache = {
  name: "of this page",
  isKeeping: false,
  commit: nothing,
  keepCommit: nothing,
  tree: nothing,
  keepTree: nothing,
  paths: async () => [],
  open: nothing,
  fetch: nothing,
  keepAbsent: nothing,
};
