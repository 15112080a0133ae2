// One question in each of the protocols that chats are asked in, and the text of what comes back.

export interface Asked {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed?: number;
}

export interface Protocol {
  readonly path: string;
  body(content: string, asked: Asked, stream: boolean): object;
  textOf(answer: string, stream: boolean): string;
}

// What answers hold is known where it is read.
// biome-ignore lint/suspicious/noExplicitAny: as JSON.parse has it
const events = (answer: string): any[] =>
  answer
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)));
interface Item {
  readonly type: string;
  readonly content: readonly { readonly text: string }[];
}
const itemsOf = (answer: string): Item[] => JSON.parse(answer).output;
const messages = (content: string) => [{ role: "user", content }];

/** Anthropic's has no seed: the same answer comes at temperature 0 alone. */
export const protocols: readonly Protocol[] = [
  {
    path: "/v1/chat/completions",
    body: (content, { maxTokens, ...sampling }, stream) => ({
      ...{ messages: messages(content), stream, max_tokens: maxTokens },
      ...sampling,
    }),
    textOf: (answer, stream) =>
      stream
        ? events(answer)
            .map(({ choices }) => choices[0]?.delta.content ?? "")
            .join("")
        : JSON.parse(answer).choices[0].message.content,
  },
  {
    path: "/v1/messages",
    body: (content, { maxTokens, temperature }, stream) => ({
      ...{ messages: messages(content), stream, max_tokens: maxTokens },
      temperature,
    }),
    textOf: (answer, stream) =>
      stream
        ? events(answer)
            .map(({ delta }) => delta?.text ?? "")
            .join("")
        : JSON.parse(answer)
            .content.map(({ text = "" }) => text)
            .join(""),
  },
  {
    path: "/v1/responses",
    body: (content, { maxTokens, ...sampling }, stream) => ({
      ...{ input: content, stream, max_output_tokens: maxTokens },
      ...sampling,
    }),
    textOf: (answer, stream) =>
      stream
        ? events(answer)
            .map(({ type, delta }) => (type === "response.output_text.delta" ? delta : ""))
            .join("")
        : itemsOf(answer)
            .flatMap(({ type, content }) => (type === "message" ? content : []))
            .map(({ text }) => text)
            .join(""),
  },
];
