// What the environment says of the hub: where it is, who asks, and where its files are kept.
// @source huggingface_hub 1.33.0, constants.py and utils/_auth.py
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SourceError } from "../sources/source-error.ts";
import { HUB } from "./hub-name.ts";

export interface HubEnvironment {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly offline: boolean;
  /** Of huggingface_hub, and of all that share it. */
  readonly hubCache: string;
  /** Of other URLs. */
  readonly urlCache: string;
  /** Undefined where there is none, or none may be sent unless asked for. */
  token(): Promise<string | undefined>;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** @throws SourceError when HF_ENDPOINT is no address */
export function hubEnvironment(variables: Variables = process.env): HubEnvironment {
  const stated = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const path = (name: string): string | undefined => {
    const text = stated(name);
    return text === undefined ? undefined : expanded(text, variables);
  };
  const isOn = (name: string): boolean => /^(?:1|on|yes|true)$/i.test(stated(name) ?? "");
  const caches = path("XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  const home = path("HF_HOME") ?? join(caches, "huggingface");
  return {
    endpoint: endpointOf(stated("HF_ENDPOINT") ?? HUB),
    offline: isOn("HF_HUB_OFFLINE") || isOn("TRANSFORMERS_OFFLINE"),
    hubCache: path("HF_HUB_CACHE") ?? path("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub"),
    urlCache: path("LFM2_CACHE") ?? join(path("HF_HOME") ?? caches, "lfm2"),
    async token() {
      if (isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return undefined;
      const own = stated("HF_TOKEN") ?? stated("HUGGING_FACE_HUB_TOKEN");
      if (own !== undefined) return own;
      const file = path("HF_TOKEN_PATH") ?? join(home, "token");
      return (await readFile(file, "utf8").catch(() => "")).trim() || undefined;
    },
  };
}

function expanded(text: string, variables: Variables): string {
  const named = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => variables[braced ?? bare] ?? whole);
  return named.replace(/^~(?=$|[/\\])/, homedir());
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.href.replace(/\/+$/, "");
  throw new SourceError({
    subject: "HF_ENDPOINT",
    expected: "an address that begins with https:// or http://",
    found: JSON.stringify(text.slice(0, 80)),
    remedy: `Leave it out for ${HUB}.`,
  });
}
