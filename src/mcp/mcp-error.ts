// What goes wrong with MCP servers, apart from calls: those have results that tell of it.
import { Lfm2Error } from "../lfm2-error.ts";

export class McpError extends Lfm2Error {
  override readonly name = "McpError";
}

const MAX_QUOTED = 300;

/** Text of a server within one of our sentences: quoted, so that no control character is left in it, and cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
