// What a call gave, as text that a model can read.

/** Far more than a context holds. */
export const MAX_RESULT_BYTES = 1 << 20;
const MAX_ERROR_CHARACTERS = 2000;

export interface CallResult {
  readonly content: string;
  readonly failed: boolean;
}

/** Content of other kinds has many forms; what is not understood is named by its type. */
type Part = Readonly<Record<string, unknown>>;

export function resultText(result: {
  readonly content?: readonly Part[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}): CallResult {
  const { content = [], structuredContent, isError = false } = result;
  const text =
    content.length === 0 && structuredContent !== undefined
      ? JSON.stringify(structuredContent)
      : content.map(partText).join("\n");
  if (isError) return failed(text.trim() === "" ? "the tool failed" : text.slice(0, MAX_ERROR_CHARACTERS));
  if (Buffer.byteLength(text) > MAX_RESULT_BYTES) return failed(`more than ${MAX_RESULT_BYTES} bytes`);
  return { content: text, failed: false };
}

export function failed(what: string): CallResult {
  return { content: `error: ${what}`, failed: true };
}

function partText(part: Part): string {
  const { type, text, data, mimeType, uri } = part;
  if (typeof text === "string") return text;
  if (type === "resource") {
    const resource = (part.resource ?? {}) as Part;
    return typeof resource.text === "string" ? resource.text : named("resource", resource.uri, resource.mimeType);
  }
  const bytes = typeof data === "string" ? `${Math.floor((data.length * 3) / 4)} bytes` : undefined;
  return named(String(type).replace("_", " "), uri, mimeType, bytes);
}

function named(kind: string, ...facts: readonly unknown[]): string {
  const known = facts.filter((fact) => typeof fact === "string");
  return `[${kind}${known.length === 0 ? "" : `: ${known.join(", ")}`}]`;
}
