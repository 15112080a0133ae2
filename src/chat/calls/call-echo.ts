// A model may repeat what it called: LFM2 sometimes writes the body of a block again behind `<|tool_call_end|>`, and
// ends it with a second `<|tool_call_end|>`. That is neither another call nor text for the user.

/** Text behind a block of calls, held back while it may be such an echo. */
export interface EchoHold {
  /** A block of calls has ended; this was its text. */
  begin(body: string): void;
  /** Text behind it. What comes back is certainly no echo. */
  push(text: string): string;
  /** A `<|tool_call_end|>` that ends nothing. */
  endMarker(): string;
  /** Something else follows, or nothing. */
  release(): string;
}

/** @param isEcho  whether a text has the calls that have been made already, and nothing else */
export function holdEchoes(isEcho: (text: string) => boolean): EchoHold {
  let body: string | undefined;
  let held = "";
  const release = (): string => {
    const released = held;
    held = "";
    return released;
  };

  /** An echo need not be exact, but it begins like a block, and is about as long. */
  function mayBeEcho(expected: string): boolean {
    const text = held.trimStart();
    return expected.startsWith(text) || (/^[[{]/.test(text) && text.length <= 2 * expected.length);
  }

  return {
    begin(text) {
      body = text.trim();
    },
    push(text) {
      if (body === undefined) return text;
      held += text;
      if (mayBeEcho(body)) return "";
      body = undefined;
      return release();
    },
    endMarker() {
      if (held.trim() === "" || !isEcho(held)) return release();
      held = "";
      return "";
    },
    release() {
      body = undefined;
      return release();
    },
  };
}
