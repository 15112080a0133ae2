// A turn of a conversation: text, thought, calls and results, figures, and its tokens with what might have come instead.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary } from "../../api/language-model.ts";
import { hubEndpoint, modelName, modelTitle } from "../model/models.ts";
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
  const [isEdited, setEdited] = useState(false);
  if (isEdited) return <Edited text={turn.content} index={index} done={() => setEdited(false)} />;
  return (
    <article class="turn user" aria-label="You">
      <div class="said" dir="auto">
        {turn.content}
      </div>
      <div class="actions">
        <CopyButton text={() => turn.content} />
        <Button kind="quiet" disabled={busy.value !== undefined} onClick={() => setEdited(true)}>
          Edit
        </Button>
      </div>
    </article>
  );
}

/** What was asked, being asked otherwise; Enter asks, Escape leaves it. */
function Edited({ text, index, done }: { readonly text: string; readonly index: number; readonly done: () => void }) {
  const [edited, setEdited] = useState(text);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => box.current?.focus(), []);
  const askAgain = (): void => {
    if (edited.trim() === "" || busy.value !== undefined) return;
    ask(edited, index);
    done();
  };
  return (
    <article class="turn user editing" aria-label="You, being edited">
      <textarea
        ref={box}
        aria-label="Edited message"
        rows={Math.max(2, Math.min(10, edited.split("\n").length))}
        dir="auto"
        value={edited}
        onInput={(event) => setEdited(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            done();
          }
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          askAgain();
        }}
      />
      <div class="row">
        <Button kind="primary" disabled={edited.trim() === ""} onClick={askAgain}>
          Ask again
        </Button>
        <Button kind="quiet" onClick={done}>
          Leave it
        </Button>
      </div>
    </article>
  );
}

function Answered({ turn, index, isBeingWritten }: TurnProps) {
  const [withTokens, setWithTokens] = useState(false);
  const { content, reasoning, calls, tokens, summary, isStopped } = turn;
  const isIdle = busy.value === undefined;
  // Ids mean nothing to a model with another vocabulary.
  const isOwn = turn.model === modelTitle.value;
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
          <div dir="auto">{reasoning.trim()}</div>
        </details>
      )}
      {withTokens && tokens ? (
        <TokenStrip tokens={tokens} turnIndex={index} isOwn={isOwn} />
      ) : (
        <Markdown text={content} />
      )}
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
          {isOwn && <InsideLink turn={turn} />}
          {summary && <Figures summary={summary} model={isOwn ? undefined : turn.model} />}
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
    ["hub", hubEndpoint.value ?? ""],
    ["ids", ids.join(",")],
    ["answer", String(promptIds.length)],
    ["token", String(Math.min(promptIds.length, ids.length - 1))],
  ]);
  for (const name of ["model", "hub"]) if (params.get(name) === "") params.delete(name);
  return (
    <a class="button quiet" href={addressOf({ view: "inside", params })}>
      Look inside
    </a>
  );
}

function Figures({
  summary: { promptTokens, cachedTokens, newTokens, prefillMs, decodeMs, finishReason },
  model,
}: {
  readonly summary: Summary;
  /** Where it is not the one that is open. */
  readonly model: string | undefined;
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
      {model !== undefined && <span>by {model}</span>}
      {finishReason === "length" && <span>cut at the limit</span>}
    </span>
  );
}
