// Which characters of a prompt came from outside, so that what a user or a tool wrote cannot end a turn.
//
// The interpreter's strings do not record where they came from, and a template may do anything with them. So the prompt
// is rendered a second time, in which the characters of outside text that a control string could begin with are
// replaced by stand-ins, which occur nowhere else. Where putting the characters back gives the prompt itself, the
// places of the stand-ins are theirs, and no control string counts there. A stand-in is as long as its character and no
// white space, so trimming, slicing, measuring, and looking for other text go as they went before.
//
// A template that looks for such a character itself, as in `content.startswith("<tool>")`, may write another text then.
// So fewer are replaced, those of whole control strings, and then none. As a template could also make a control string
// by leaving out what stood within it, those that then count must be the ones left when all were replaced. Failing that,
// the conversation is refused. What is not seen is a control string whose beginning the template writes and whose end
// it cuts out of the middle of outside text.
import type { Span } from "../tokenizer/tokenizer.ts";
import { wholeTokenPattern } from "../tokenizer/whole-tokens.ts";
import { PythonFloat } from "./exact-json.ts";
import { ChatError, type ChatMessage, withParsedArguments } from "./messages.ts";

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly unknown[] | undefined;
}

export interface TracedText {
  /** What Python's jinja2 gives for the same conversation. */
  readonly text: string;
  /** Where control strings may count as tokens: for the tokenizer's `parseSpecial`. */
  readonly trusted: readonly Span[];
}

/**
 * @param render          gives the text of a conversation, the same one every time
 * @param controlStrings  what the tokenizer takes for one token each
 * @param templateSource  searched for beginnings of control strings that outside text could end: "<" ~ name ~ ">"
 * @throws ChatError when the template hides whether a control string came from outside; and as `render` does
 */
export function traceText(
  render: (conversation: Conversation) => string,
  conversation: Conversation,
  controlStrings: readonly string[],
  templateSource: string,
): TracedText {
  const text = render(conversation);
  const control = wholeTokenPattern(controlStrings);
  const standIns = createStandIns(text);
  if (control === undefined) return standIns.putBack(text);

  const firsts = wholeTokenPattern([...new Set(controlStrings.map((whole) => whole.slice(0, 1)))]) as RegExp;
  const ends = endsWithoutBeginning(controlStrings, templateSource);
  const replaceAll = (outside: string): string => {
    const start = outside.trim();
    const endsOne = start !== "" && ends.some((end) => end.startsWith(start) || start.startsWith(end));
    return (endsOne ? outside.replace(/\S/, standIns.replace) : outside).replace(firsts, standIns.replace);
  };
  const replaceInWhole = (outside: string): string =>
    outside.replace(control, (whole) => standIns.replace(whole.slice(0, 1)) + whole.slice(1));

  const disarmed = mapOutside(conversation, replaceAll);
  if (standIns.none()) return standIns.putBack(text);
  const harmless = attempt(() => render(disarmed));
  const counting = harmless?.match(control)?.join();
  const renders = [() => harmless, () => attempt(() => render(mapOutside(conversation, replaceInWhole))), () => text];
  for (const again of harmless === undefined ? [] : renders) {
    const rendered = again();
    if (rendered === undefined || rendered.match(control)?.join() !== counting) continue;
    const traced = standIns.putBack(rendered);
    if (traced.text === text) return traced;
  }
  throw new ChatError({
    subject: "messages and tools",
    expected: "control strings such as <|im_end|> from the application only",
    found: "text of a user or tool that may hold one, and a chat template that does not simply pass it on",
    remedy: 'Remove control strings from such text, or let all count with parseSpecial: "all".',
  });
}

/** One character for another; those of outside text are found again by the ones that stand in for them. */
function createStandIns(text: string) {
  const standsFor = new Map<string, string>();
  const standInOf = new Map<string, string>();
  let next = 0x2900; // Arrows and signs of mathematics: they print, have no case, and are not letters, just as "<" is not.
  return {
    none: () => standsFor.size === 0,
    replace(letter: string): string {
      const known = standInOf.get(letter);
      if (known !== undefined) return known;
      while (text.includes(String.fromCharCode(next))) next++;
      const standIn = String.fromCharCode(next++);
      standInOf.set(letter, standIn);
      standsFor.set(standIn, letter);
      return standIn;
    },
    /** The characters put back, and what lies between them. */
    putBack(rendered: string): TracedText {
      const trusted: Span[] = [];
      let start = 0;
      for (let i = 0; i <= rendered.length; i++) {
        if (i < rendered.length && !standsFor.has(rendered[i])) continue;
        if (start < i) trusted.push([start, i]);
        start = i + 1;
      }
      return { text: Array.from(rendered, (letter) => standsFor.get(letter) ?? letter).join(""), trusted };
    },
  };
}

/** What is left of control strings after a beginning with which a text of the template ends. */
function endsWithoutBeginning(controlStrings: readonly string[], templateSource: string): string[] {
  const endings = new Set<string>();
  const longest = Math.max(...controlStrings.map(({ length }) => length));
  for (const { index } of templateSource.matchAll(/["']|\s*\{[{%#]/g)) {
    for (let length = 1; length < longest; length++)
      endings.add(templateSource.slice(Math.max(0, index - length), index));
  }
  return controlStrings.flatMap((whole) =>
    Array.from({ length: whole.length - 1 }, (_, i) => i + 1)
      .filter((cut) => endings.has(whole.slice(0, cut)))
      .map((cut) => whole.slice(cut)),
  );
}

/**
 * Outside is what a user or a tool wrote, and what a model made of it: every string of `user` and `tool` messages but
 * the role, tool calls of the assistant (names, arguments, ids), and tool definitions, keys and all. System text and the
 * assistant's content and thinking are trusted: the application wrote the first, the model the second, and templates
 * and clients keep calls and thoughts in them as control tokens.
 */
export function mapOutside({ messages, tools }: Conversation, write: (outside: string) => string): Conversation {
  const outsideMembers = (message: ChatMessage): ChatMessage => {
    const isOutside = (key: string): boolean =>
      key === "tool_calls" || (key !== "role" && (message.role === "user" || message.role === "tool"));
    const members = Object.entries(message).map(([key, member]) => {
      // Parsed first, as JSON text may hide characters in its escapes.
      const plain = key === "tool_calls" ? (message.tool_calls?.map(withParsedArguments) ?? member) : member;
      return [key, isOutside(key) ? mapStrings(plain, write) : member] as const;
    });
    return Object.fromEntries(members) as unknown as ChatMessage;
  };
  return { messages: messages.map(outsideMembers), tools: tools?.map((tool) => mapStrings(tool, write)) };
}

function mapStrings(value: unknown, write: (text: string) => string): unknown {
  if (typeof value === "string") return write(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, write));
  if (typeof value !== "object" || value === null || value instanceof PythonFloat) return value;
  const members = [...(value instanceof Map ? value : Object.entries(value))].map(
    ([key, member]) => [write(key), mapStrings(member, write)] as const,
  );
  return value instanceof Map ? new Map(members) : Object.fromEntries(members);
}

function attempt(render: () => string): string | undefined {
  try {
    return render();
  } catch {
    return undefined;
  }
}
