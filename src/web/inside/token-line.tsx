// The text of a run, a token to a button, prompt and answer apart; arrow keys step.
import { useEffect, useRef } from "preact/hooks";
import { Button, visibleToken } from "../ui/parts.tsx";
import { adjust } from "../url.ts";
import type { SeenRun } from "./seen-run.ts";

interface TokenLineProps {
  readonly run: SeenRun;
  readonly texts: readonly string[];
  readonly token: number;
  /** An answer is being written. */
  readonly isGrowing: boolean;
}

export function TokenLine({ run: { ids, answerFrom }, texts, token, isGrowing }: TokenLineProps) {
  const chosen = useRef<HTMLButtonElement>(null);
  useEffect(() => chosen.current?.scrollIntoView({ block: "nearest", inline: "nearest" }), [token]);
  const tokens = (from: number, to: number) =>
    texts.slice(from, to).map((text, i) => (
      <button
        key={from + i}
        type="button"
        class="look-token"
        ref={from + i === token ? chosen : undefined}
        aria-pressed={from + i === token}
        title={`position ${from + i}, id ${ids[from + i]}`}
        onClick={() => adjust({ token: from + i })}
      >
        {visibleToken(text)}
      </button>
    ));
  return (
    <div class="token-line">
      <div class="steps">
        <Button
          kind="quiet"
          aria-label="The token before"
          disabled={token === 0}
          onClick={() => adjust({ token: token - 1 })}
        >
          ←
        </Button>
        <span class="where">
          token {token} of {ids.length}
        </span>
        <Button
          kind="quiet"
          aria-label="The next token"
          disabled={token === ids.length - 1}
          onClick={() => adjust({ token: token + 1 })}
        >
          →
        </Button>
      </div>
      <div class="texts">
        <span class="of">prompt</span>
        {tokens(0, answerFrom)}
        {answerFrom < ids.length && <span class="of">answer</span>}
        {isGrowing && (
          <span class="of" role="status">
            writing an answer…
          </span>
        )}
        {tokens(answerFrom, ids.length)}
      </div>
    </div>
  );
}
