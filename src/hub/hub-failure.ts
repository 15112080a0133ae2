// What the hub means by an answer that is not what was asked for, and what a person can do about it.
import { SourceError } from "../sources/source-error.ts";

export interface HubAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Its beginning. */
  readonly body: string;
}

export interface Asked {
  /** As a person would name what was asked for. */
  readonly subject: string;
  /** Of the repository, for people. */
  readonly page: string;
  readonly hasToken: boolean;
}

/** @source huggingface_hub 1.33.0, utils/_http.py, hf_raise_for_status: the order of these cases */
export function hubFailure({ status, headers, body }: HubAnswer, { subject, page, hasToken }: Asked): SourceError {
  const code = headers.get("x-error-code") ?? "";
  const message = (headers.get("x-error-message") ?? saidBy(body)).replace(/\.$/, "");
  const fails = (expected: string, found: string, remedy: string): SourceError =>
    new SourceError({ subject, expected, found, remedy });
  const said = message === "" ? `HTTP ${status}` : `HTTP ${status}: ${message}`;

  if (code === "RevisionNotFound") {
    return fails("a revision that the repository has", "none of this name", `Branches and tags are listed at ${page}.`);
  }
  if (code === "EntryNotFound") {
    return fails("a file of the repository", "none of this name", `Its files are listed at ${page}/tree/main.`);
  }
  if (code === "GatedRepo") {
    return hasToken
      ? fails("a token that may read this gated repository", said, `Ask for access, or accept the licence, at ${page}.`)
      : fails("a token for this gated repository", "none", `Accept its licence at ${page}, and set HF_TOKEN.`);
  }
  if (/access to this resource is disabled/i.test(message)) {
    return fails("a repository that can be read", said, "The hub has disabled it; choose another one.");
  }
  // Without a token, the hub says so of repositories that it does not have or show.
  if (status === 401 && (hasToken || /invalid credentials/i.test(message))) {
    return fails("a token that the hub knows", said, "Set HF_TOKEN to a valid one, or unset it for public models.");
  }
  if (status === 401 || code === "RepoNotFound") {
    return hasToken
      ? fails("a repository that HF_TOKEN may read", said, "Check the name, and whether the token's owner may see it.")
      : fails("a public repository", said, "Check the name; if the repository is private or gated, set HF_TOKEN.");
  }
  const remedy = status === 403 ? "Check what HF_TOKEN may read." : "Check the name and the hub's address.";
  return fails("HTTP 200", said, remedy);
}

const MOST_CHARACTERS = 200;

/** The hub answers in JSON or in plain text; its stores answer in XML. */
export function saidBy(body: string): string {
  const text = /^\s*\{/.test(body) ? (/"error"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? body) : body;
  const plain = text
    .replace(/<\?[^>]*\?>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/[\s\x00-\x1f\x7f]+/g, " ")
    .trim();
  return plain.length > MOST_CHARACTERS ? `${plain.slice(0, MOST_CHARACTERS)}…` : plain;
}
