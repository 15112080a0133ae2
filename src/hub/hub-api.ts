// What the hub tells of a repository: the commit that a revision names, and the files at a commit.
//
// @huggingface/hub 2.17.5 has listFiles, fileDownloadInfo and downloadFileToCacheDir. They are not used: listFiles
// follows the next page's address wherever it leads, with the token; there are no retries, time limits or AbortSignal;
// a download begins anew each time, without a lock, and its content is not checked; snapshots are named after a file's
// last commit instead of the revision's, so that huggingface_hub does not find them. With its dependencies it is 12 MB.
import { bodyText } from "../downloads/body-text.ts";
import { exchange } from "../sources/exchange.ts";
import { defaultPatience, persistently, wait } from "../sources/patience.ts";
import { SourceError } from "../sources/source-error.ts";
import type { NetworkOptions } from "../sources/url.ts";
import { hubFailure } from "./hub-failure.ts";
import { addPage, type Tree, type TreeFile } from "./tree.ts";

/** A hub, and how it is asked. */
export interface Hub {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Its headers may hold a token, which no other origin gets. */
  readonly network: NetworkOptions;
}

/** 1,000 files to a page. */
const MOST_PAGE_BYTES = 8 << 20;
const MOST_PAGES = 200;
const COMMIT = /^[0-9a-f]{40}$/;

export const isCommit = (revision: string): boolean => COMMIT.test(revision);

export const pageOf = ({ endpoint }: Hub, repo: string): string => `${endpoint}/${repo}`;

/** Where a file is downloaded from. */
export function resolveUrl({ endpoint }: Hub, repo: string, revision: string, path: string): URL {
  const segments = path.split("/").map(encodeURIComponent).join("/");
  return new URL(`${endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${segments}`);
}

export function hasToken({ network: { headers = {} } }: Hub): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/** @throws SourceError naming what is not there, or may not be read */
export async function commitOf(hub: Hub, repo: string, revision: string, signal?: AbortSignal): Promise<string> {
  const url = new URL(`${hub.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}`);
  const { json } = await getJson(hub, url, repo, signal);
  const { sha } = Object(json) as { sha?: unknown };
  if (typeof sha === "string" && isCommit(sha)) return sha;
  throw notOfHub(hub, "a commit", "none");
}

/** @throws SourceError as `commitOf` */
export async function treeOf(hub: Hub, repo: string, commit: string, signal?: AbortSignal): Promise<Tree> {
  const tree = new Map<string, TreeFile>();
  const url = new URL(`${hub.endpoint}/api/models/${repo}/tree/${commit}?recursive=true`);
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const { json, headers } = await getJson(hub, url, repo, signal);
    addPage(`${repo}@${commit}`, json, tree);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
    if (next === undefined) return tree;
    // A mirror may hand on the address of the hub that it mirrors; the token stays here.
    const { search } = URL.canParse(next, url.href) ? new URL(next, url) : url;
    if (search === url.search) break;
    url.search = search;
  }
  throw notOfHub(hub, `at most ${MOST_PAGES} pages of files`, "more, or one again and again");
}

async function getJson(
  hub: Hub,
  url: URL,
  repo: string,
  signal: AbortSignal | undefined,
): Promise<{ json: unknown; headers: Headers }> {
  const { headers = {}, patience = defaultPatience, wait: waits = wait } = hub.network;
  const request = { url, headers: { ...headers, Accept: "application/json" }, stallMs: patience.stallMs, signal };
  const attempt = () =>
    exchange(request, async (response, chunks) => {
      if (!response.ok) {
        const body = await bodyText(chunks, 4096, "cut");
        const asked = { subject: `hf:${repo}`, page: pageOf(hub, repo), hasToken: hasToken(hub) };
        throw hubFailure({ status: response.status, headers: response.headers, body }, asked);
      }
      const text = await bodyText(chunks, MOST_PAGE_BYTES);
      try {
        if (text !== undefined) return { json: JSON.parse(text), headers: response.headers };
      } catch {}
      // Networks that ask people to sign in answer every request with their own page.
      throw notOfHub(hub, "its answer in JSON", text === undefined ? "a very long one" : "another page");
    });
  return persistently(attempt, { patience, wait: waits, signal });
}

function notOfHub({ endpoint }: Hub, expected: string, found: string): SourceError {
  const remedy = "Check HF_ENDPOINT, and whether this network wants you to sign in.";
  return new SourceError({ subject: endpoint, expected, found, remedy });
}
