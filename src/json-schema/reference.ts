// Where a `$ref` leads: a JSON pointer within the schema that it stands in.
import type { Json } from "./keywords.ts";

export interface Referenced {
  readonly schema: Json;
  /** The steps to it: names of members, indices of lists. */
  readonly path: readonly (string | number)[];
}

/** What a `$ref` may look like: "#", "#/$defs/item". Anchors and other documents are not followed. */
export function isPointer(reference: Json | undefined): reference is string {
  return typeof reference === "string" && /^#(?:\/|$)/.test(reference);
}

/**
 * @param pointer  as isPointer has found it
 * @returns undefined where it leads nowhere
 * @source RFC 6901, sections 4 and 6
 */
export function follow(root: Json, pointer: string): Referenced | undefined {
  let schema = root;
  const path: (string | number)[] = [];
  for (const step of pointer.split("/").slice(1)) {
    const key = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
    const isIndex = Array.isArray(schema);
    if (typeof schema !== "object" || schema === null || !Object.hasOwn(schema, key)) return undefined;
    if (isIndex && !/^\d+$/.test(key)) return undefined;
    path.push(isIndex ? Number(key) : key);
    schema = (schema as { readonly [key: string]: Json })[key];
  }
  return { schema, path };
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
