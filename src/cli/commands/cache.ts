// `lfm2 cache`: the models that were fetched and are kept, and how to delete them.
import { join } from "node:path";
import { Command } from "commander";
import { alignColumns } from "../../columns.ts";
import { type KeptUrl, keptUrls } from "../../downloads/kept-urls.ts";
import { nodeShelf } from "../../downloads/node-shelf.ts";
import { parseHubName } from "../../hub/hub-name.ts";
import { type CachedModel, cachedModels, removeCached } from "../../hub/node-cached-models.ts";
import { hubEnvironment } from "../../hub/node-environment.ts";
import { formatBytes } from "../../quantities.ts";
import { UsageError } from "../exit.ts";
import { harmless, note } from "../terminal/terminal.ts";

const examples = `
Examples:
  $ lfm2 cache
  $ lfm2 cache rm hf:LiquidAI/LFM2-8B-A1B-GGUF:Q4_0
  $ lfm2 cache rm hf:LiquidAI/LFM2-1.2B https://example.org/model.gguf

Models of the hub are kept where huggingface_hub keeps them (HF_HUB_CACHE, HF_HOME), so its downloads are listed, too;
files of other URLs in LFM2_CACHE.`;

export function cacheCommand(): Command {
  const list = new Command("list")
    .description("list what is kept (what `lfm2 cache` alone does)")
    .option("--json", "print one JSON object instead of a table")
    .action(runList);
  const remove = new Command("rm")
    .description("delete models that are kept")
    .argument("<names...>", "hf:OWNER/REPO, hf:OWNER/REPO:QUANT, or a URL")
    .action(runRemove);
  return new Command("cache")
    .description("list or delete models that were fetched and are kept")
    .addCommand(list, { isDefault: true })
    .addCommand(remove)
    .addHelpText("after", examples);
}

async function runList({ json }: { readonly json?: true }): Promise<void> {
  const { hubCache, urlCache } = hubEnvironment();
  const models = await cachedModels(hubCache);
  const urls = await keptUrls(nodeShelf(urlCache));
  const { stdout } = process;
  if (json) {
    stdout.write(
      `${JSON.stringify({ hubCache, urlCache, models: models.map(plainModel), urls: urls.map(plainUrl(urlCache)) }, null, 2)}\n`,
    );
    return;
  }
  const rows = [...models.flatMap(rowsOf), ...urls.map(({ url, version }) => [url, formatBytes(version.size), ""])];
  if (rows.length === 0) note(`Nothing is kept in ${hubCache} or ${urlCache}.`);
  else stdout.write(harmless(stdout, `${alignColumns(rows, "lrl").join("\n")}\n`));
}

function rowsOf({ repo, refs, files, bytes, partBytes }: CachedModel): string[][] {
  const weights = files.filter(({ path }) => /\.gguf$/i.test(path));
  const revisions = (commit: string): string => {
    const names = Object.entries(refs).flatMap(([name, of]) => (of === commit ? [name] : []));
    return names.length > 0 ? names.join(", ") : commit.slice(0, 12);
  };
  const others = [...new Set(files.map(({ commit }) => commit))].map(revisions).join(", ");
  return [
    ...(files.length > 0 ? [[`hf:${repo}`, formatBytes(bytes), others]] : []),
    ...weights.map((file) => [`hf:${repo}/${file.path}`, formatBytes(file.bytes), revisions(file.commit)]),
    ...(partBytes > 0 ? [[`hf:${repo}`, formatBytes(partBytes), "of a download that was stopped"]] : []),
  ];
}

function plainModel({ files, ...model }: CachedModel): object {
  return {
    ...model,
    files: files.map(({ path, commit, bytes, pointer }) => ({ path, commit, bytes, place: pointer })),
  };
}

const plainUrl =
  (root: string) =>
  ({ url, version, path }: KeptUrl): object => ({ url, ...version, place: join(root, ...path.split("/")) });

async function runRemove(names: readonly string[]): Promise<void> {
  const { hubCache, urlCache, endpoint } = hubEnvironment();
  const shelf = nodeShelf(urlCache);
  const urls = await keptUrls(shelf);
  for (const text of names) {
    const name = parseHubName(text, endpoint);
    const meant = name === undefined ? urls.filter(({ url }) => url === text.replace(/[?#].*$/s, "")) : [];
    const removed = name === undefined ? meant.map(({ url }) => url) : await removeCached(hubCache, name);
    if (removed.length === 0) {
      throw new UsageError({
        subject: text,
        expected: "a model that is kept",
        found: "none of this name",
        remedy: "`lfm2 cache` lists them.",
      });
    }
    for (const { folder } of meant) await shelf.remove(folder);
    note(`Deleted ${text}: ${removed.join(", ")}.`);
  }
}
