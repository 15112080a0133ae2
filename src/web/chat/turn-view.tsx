// A turn of a conversation: text, thought, calls and results, figures, and its tokens with what might have come instead.
import { useState } from "preact/hooks";
import type { Summary } from "../../api/language-model.ts";
import { modelName } from "../model/models.ts";
import { Markdown } from "../ui/markdown.tsx";
import { Button, CopyButton } from "../ui/parts.tsx";
import { addressOf } from "../url.ts";
import { answer, busy } from "./answering.ts";
import { ask } from "./asking.ts";
import { change, conversation, type Turn } from "./conversations.ts";
import { TokenStrip } from "./token-strip.tsx";

interface TurnProps {
  readonly turn: Turn;
  readonly index: number;
  readonly isBeingWritten: boolean;
}

export function TurnView(props: TurnProps) {
  const { role, content, name } = props.turn;
  if (role === "user") return <Asked {...props} />;
  if (role === "assistant") return <Answered {...props} />;
  return (
    <article class="turn tool" aria-label={`Result of ${name}`}>
      <span class="who">{name} gave</span>
      <pre>{content}</pre>
    </article>
  );
}

function Asked({ turn, index }: TurnProps) {
  const [edited, setEdited] = useState<string>();
  if (edited !== undefined) {
    return (
      <article class="turn user editing">
        <textarea
          aria-label="Edited message"
          rows={3}
          dir="auto"
          value={edited}
          onInput={(event) => setEdited(event.currentTarget.value)}
        />
        <div class="row">
          <Button
            kind="primary"
            onClick={() => {
              ask(edited, index);
              setEdited(undefined);
            }}
          >
            Ask again
          </Button>
          <Button kind="quiet" onClick={() => setEdited(undefined)}>
            Leave it
          </Button>
        </div>
      </article>
    );
  }
  return (
    <article class="turn user" aria-label="You">
      <div class="said" dir="auto">
        {turn.content}
      </div>
      <div class="actions">
        <CopyButton text={() => turn.content} />
        <Button kind="quiet" disabled={busy.value !== undefined} onClick={() => setEdited(turn.content)}>
          Edit
        </Button>
      </div>
    </article>
  );
}

function Answered({ turn, index, isBeingWritten }: TurnProps) {
  const [withTokens, setWithTokens] = useState(false);
  const { content, reasoning, calls, tokens, summary, isStopped } = turn;
  const isIdle = busy.value === undefined;
  const again = (): void => {
    const shown = conversation();
    if (shown === undefined) return;
    change(shown.id, { turns: shown.turns.slice(0, index) });
    void answer(shown.id);
  };
  return (
    <article class={`turn assistant ${isBeingWritten ? "writing" : ""}`} aria-label="Answer">
      {reasoning !== undefined && (
        <details class="thought">
          <summary>{isBeingWritten && content === "" ? "Thinking…" : "Thought"}</summary>
          <div dir="auto">{reasoning}</div>
        </details>
      )}
      {withTokens && tokens ? <TokenStrip tokens={tokens} turnIndex={index} /> : <Markdown text={content} />}
      {calls?.map(({ id, function: { name, arguments: json }, problems }) => (
        <div key={id} class="call">
          <span class="who">calls {name}</span>
          <pre>{json}</pre>
          {problems?.map(({ path, expected, found }) => (
            <p key={path} class="hint">
              {path || "the call"}: expected {expected}, found {found}
            </p>
          ))}
        </div>
      ))}
      {isStopped && <p class="hint">Stopped.</p>}
      {!isBeingWritten && (
        <div class="actions">
          <CopyButton text={() => content} />
          <Button kind="quiet" disabled={!isIdle} onClick={again}>
            Regenerate
          </Button>
          {tokens && tokens.length > 0 && (
            <Button kind="quiet" aria-pressed={withTokens} onClick={() => setWithTokens(!withTokens)}>
              Tokens
            </Button>
          )}
          <InsideLink turn={turn} />
          {summary && <Figures summary={summary} />}
        </div>
      )}
    </article>
  );
}

/** The look inside lays every token out, which takes room. */
const MOST_INSIDE = 512;

function InsideLink({ turn: { promptIds, tokens } }: { readonly turn: Turn }) {
  if (promptIds === undefined || tokens === undefined) return null;
  const ids = [...promptIds, ...tokens.map(({ id }) => id)].slice(0, MOST_INSIDE);
  const params = new Map([
    ["model", modelName.value],
    ["ids", ids.join(",")],
    ["answer", String(promptIds.length)],
    ["token", String(Math.min(promptIds.length, ids.length - 1))],
  ]);
  if (modelName.value === "") params.delete("model");
  return (
    <a class="button quiet" href={addressOf({ view: "inside", params })}>
      Look inside
    </a>
  );
}

function Figures({
  summary: { promptTokens, cachedTokens, newTokens, prefillMs, decodeMs, finishReason },
}: {
  readonly summary: Summary;
}) {
  const read = promptTokens - cachedTokens;
  const speed = (count: number, ms: number): string => (ms > 0 ? `${((1000 * count) / ms).toFixed(1)} tok/s` : "–");
  return (
    <span class="figures">
      <span title={`${cachedTokens} of ${promptTokens} tokens were held from before`}>
        prompt {read} at {speed(read, prefillMs)}
      </span>
      <span>
        answer {newTokens} at {speed(newTokens - 1, decodeMs)}
      </span>
      {finishReason === "length" && <span>cut at the limit</span>}
    </span>
  );
}
