// tokenizer_config.json, with what the two older files beside it say: special_tokens_map.json and added_tokens.json.
import type { Folder } from "../../sources/source.ts";
import { isObject, type JsonObject } from "../json.ts";
import { readSettings } from "../optional-file.ts";

/**
 * Undefined where the folder has none of the three. Where tokenizer_config.json has an `added_tokens_decoder`, the older
 * files are copies for older readers, and count no more.
 *
 * @source transformers 5.18.0, tokenization_utils_base.py, _from_pretrained
 */
export async function readTokenizerConfig(folder: Folder, signal?: AbortSignal): Promise<JsonObject | undefined> {
  const config = await readSettings(folder, "tokenizer_config.json", signal);
  if (config !== undefined && Object.hasOwn(config, "added_tokens_decoder")) return config;
  const special = await readSettings(folder, "special_tokens_map.json", signal);
  const added = await readSettings(folder, "added_tokens.json", signal);
  if (special === undefined && added === undefined) return config;
  const { extra_special_tokens: extra, ...named } = special ?? {};
  const merged: JsonObject = { ...config, ...named };
  const before = config?.extra_special_tokens;
  if (Array.isArray(extra))
    merged.extra_special_tokens = [...new Set([...(Array.isArray(before) ? before : []), ...extra])];
  else if (extra !== undefined) merged.extra_special_tokens = extra;
  if (added !== undefined) {
    const specials = textsOf(merged);
    merged.added_tokens_decoder = Object.fromEntries(
      Object.entries(added).map(([content, id]) => [String(id), { content, special: specials.has(content) }]),
    );
  }
  return merged;
}

/** The texts of special tokens: `pad_token` and its kin, and extra_special_tokens. */
function textsOf(config: JsonObject): Set<unknown> {
  const named = Object.entries(config).flatMap(([key, value]) => (key.endsWith("_token") ? [value] : []));
  const extra = config.extra_special_tokens ?? [];
  const stated = [...named, ...(isObject(extra) || Array.isArray(extra) ? Object.values(extra) : [])];
  return new Set(stated.map((token) => (isObject(token) ? token.content : token)));
}
