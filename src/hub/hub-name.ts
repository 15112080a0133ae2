// What people write to name a model on the Hugging Face Hub, and what they mean by it.
import { SourceError } from "../sources/source-error.ts";

export interface HubName {
  /** OWNER/REPO. */
  readonly repo: string;
  /** A branch, a tag, a commit, or refs/pr/N. */
  readonly revision: string;
  /** Which GGUF file is meant, by its quantization. */
  readonly quant?: string;
  /** Or by its path within the repository. */
  readonly path?: string;
}

export const HUB = "https://huggingface.co";
/** Of people, who also write it without the scheme. */
const SHORT_HOST = "hf.co";

const PREFIX = /^(?:hf:(?:\/\/)?|huggingface:(?:\/\/)?|hf\.co\/)/i;
const OWNER_REPO = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9_][\w.-]{0,95}$/;
const FORM = "hf:OWNER/REPO, hf:OWNER/REPO:QUANT or hf:OWNER/REPO/FILE, each with @REVISION after it or not";
const EXAMPLE = "Write it as in hf:LiquidAI/LFM2-8B-A1B-GGUF:Q4_K_M.";

/**
 * @param endpoint  of the hub that is used: its web pages name models, too
 * @returns undefined for what names no model on the hub, such as a path or another URL
 * @throws SourceError for what begins like such a name and is none
 */
export function parseHubName(text: string, endpoint: string = HUB): HubName | undefined {
  if (PREFIX.test(text)) return named(text, text.replace(PREFIX, ""));
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isHub = url.origin === new URL(endpoint).origin || (endpoint === HUB && url.hostname === SHORT_HOST);
  return isHub ? pageNamed(url) : undefined;
}

function named(text: string, rest: string): HubName {
  const [, place, revision = "main"] = /^([^@]*)(?:@(.+))?$/.exec(rest) ?? [];
  if (place === undefined) throw malformed(text);
  const [, long, quant] = /^([^:]*)(?::([\w.-]+))?$/.exec(place) ?? [];
  if (long === undefined) throw malformed(text);
  const [owner, repo, ...path] = long.split("/");
  if (quant !== undefined && path.length > 0) throw malformed(text);
  return checked(text, { repo: `${owner}/${repo ?? ""}`, revision, quant, path: path.join("/") || undefined });
}

/** The page of a repository, or of a file in it, or the file's download. Anything else of the hub is a URL like others. */
function pageNamed({ href, pathname }: URL): HubName | undefined {
  const [owner, repo, kind, revision, ...path] = decoded(pathname);
  if (repo === undefined || ["datasets", "spaces", "api", "docs", "models"].includes(owner)) return undefined;
  if (kind !== undefined && !["blob", "resolve", "tree"].includes(kind)) return undefined;
  if (path.length > 0 && kind === "tree") return undefined;
  return checked(href, {
    repo: `${owner}/${repo}`,
    revision: revision ?? "main",
    path: path.join("/") || undefined,
  });
}

function decoded(pathname: string): string[] {
  const segments = pathname.split("/").filter((segment) => segment !== "");
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return [];
  }
}

function checked(text: string, name: HubName): HubName {
  const { repo, revision, path } = name;
  const isRepo = OWNER_REPO.test(repo) && !/--|\.\./.test(repo);
  if (isRepo && isSafePath(revision) && (path === undefined || isSafePath(path))) return name;
  throw malformed(text);
}

/** Whether a path of the hub may become one on disk, and stays in the folder that it is joined to. */
export function isSafePath(path: string): boolean {
  if (/[\\\0-\x1f\x7f]|\p{Surrogate}/u.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function malformed(text: string): SourceError {
  const found = JSON.stringify(text.slice(0, 120));
  return new SourceError({ subject: "model", expected: FORM, found, remedy: EXAMPLE });
}

/** As it can be written again. */
export function spelled({ repo, revision, quant, path }: HubName): string {
  const which = quant === undefined ? "" : `:${quant}`;
  const file = path === undefined ? "" : `/${path}`;
  return `hf:${repo}${which}${file}${revision === "main" ? "" : `@${revision}`}`;
}
