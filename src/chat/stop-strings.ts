// Where a text ends because it says one of a few strings, however the text is cut into pieces.
import { SamplingError } from "../sampling/options.ts";

export interface StopMatcher {
  /** The text that can no longer be part of a stop string. What could still become one is held back. */
  push(text: string): string;
  /** What was held back: no more text comes in which it could become a stop string. The matcher is then new. */
  end(): string;
  /** The stop string that has ended the text. It is not given out, and neither is what follows it. */
  readonly met: string | undefined;
}

const MAX_STRINGS = 16;
const MAX_LENGTH = 1000;

/**
 * The stop strings as a caller stated them.
 *
 * @param inFormat  whether the answer is held to a format, which a stop string would leave incomplete
 * @throws SamplingError naming the string and what was expected
 */
export function checkStops(stated: unknown, inFormat = false): readonly string[] {
  if (stated === undefined || stated === null) return [];
  const stops: readonly unknown[] = Array.isArray(stated) ? stated : [stated];
  if (inFormat && stops.length > 0) {
    throw new SamplingError({
      subject: "stop",
      expected: "none beside responseFormat, as an answer in a format ends where the format does",
      found: JSON.stringify(stated),
      remedy: "Leave one of them out.",
    });
  }
  if (stops.length > MAX_STRINGS) {
    throw new SamplingError({ subject: "stop", expected: `at most ${MAX_STRINGS} strings`, found: stops.length });
  }
  return stops.map((stop, i) => {
    // Half a surrogate pair never occurs: text comes in whole characters.
    const isText = typeof stop === "string" && !/\p{Surrogate}/u.test(stop);
    if (isText && stop.length > 0 && stop.length <= MAX_LENGTH) return stop;
    const found = typeof stop !== "string" ? typeof stop : isText ? `one of ${stop.length}` : "half a surrogate pair";
    const name = Array.isArray(stated) ? `stop[${i}]` : "stop";
    throw new SamplingError({ subject: name, expected: `a string of 1 to ${MAX_LENGTH} characters`, found });
  });
}

/**
 * Ends a text before the stop string that is complete first; of those complete at the same character, the longest.
 *
 * @param stops  checked by checkStops
 * @source Knuth, Morris and Pratt 1977, Fast pattern matching in strings: one automaton for each stop string
 */
export function createStopMatcher(stops: readonly string[]): StopMatcher {
  const automata = stops.map((stop) => ({ stop, borders: bordersOf(stop), matched: 0 }));
  let held = "";
  let met: string | undefined;
  return {
    push(text) {
      if (met !== undefined) return "";
      held += text;
      for (let i = held.length - text.length; i < held.length; i++) {
        for (const automaton of automata) {
          const { stop, borders } = automaton;
          let { matched } = automaton;
          while (matched > 0 && stop[matched] !== held[i]) matched = borders[matched - 1];
          automaton.matched = stop[matched] === held[i] ? matched + 1 : 0;
          if (automaton.matched === stop.length && stop.length > (met?.length ?? 0)) met = stop;
        }
        if (met !== undefined) return held.slice(0, i + 1 - met.length);
      }
      const certain = held.length - Math.max(0, ...automata.map(({ matched }) => matched));
      const passed = held.slice(0, certain);
      held = held.slice(certain);
      return passed;
    },
    end() {
      const rest = met === undefined ? held : "";
      held = "";
      for (const automaton of automata) automaton.matched = 0;
      return rest;
    },
    get met() {
      return met;
    },
  };
}

/** For each prefix of a string, the length of the longest shorter prefix that is also its end. */
function bordersOf(text: string): number[] {
  const borders = [0];
  for (let i = 1, length = 0; i < text.length; i++) {
    while (length > 0 && text[i] !== text[length]) length = borders[length - 1];
    if (text[i] === text[length]) length++;
    borders.push(length);
  }
  return borders;
}

export interface StopFilter<Delta> {
  /** The pieces that have become certain; none once a stop string was met. */
  push(deltas: readonly Delta[]): Delta[];
  /** A piece with what was held back, if anything was. */
  end(): Delta[];
  readonly met: string | undefined;
}

/**
 * Ends an answer at a stop string in its text. Thoughts and tool calls pass as they are: a model may rehearse there what
 * it will not say. They also end the text before them, so that no stop string reaches across them.
 *
 * @param textOf    the text of a piece; undefined for other pieces
 * @param withText  a piece like another, with other text
 */
export function createStopFilter<Delta>(
  stops: readonly string[],
  textOf: (delta: Delta) => string | undefined,
  withText: (delta: Delta, text: string) => Delta,
): StopFilter<Delta> {
  const matcher = createStopMatcher(stops);
  let last: Delta | undefined;
  const passed = (text: string): Delta[] => (text === "" ? [] : [withText(last as Delta, text)]);
  return {
    push: (deltas) =>
      deltas.flatMap((delta) => {
        if (matcher.met !== undefined) return [];
        const text = textOf(delta);
        if (text === undefined) return [...passed(matcher.end()), delta];
        last = delta;
        return passed(matcher.push(text));
      }),
    end: () => passed(matcher.end()),
    get met() {
      return matcher.met;
    },
  };
}
