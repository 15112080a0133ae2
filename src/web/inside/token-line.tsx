// The text of a run, a token to a button, prompt and answer apart; arrow keys step.
import { useEffect, useRef } from "preact/hooks";
import { Button, visibleToken } from "../ui/parts.tsx";
import { keepInSight } from "../ui/stepping.ts";
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
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => keepInSight(line.current, chosen.current), [token, ids.length]);
  const tokens = (from: number, to: number) =>
    texts.slice(from, to).map((text, i) => (
      <button
        key={from + i}
        type="button"
        class="look-token"
        ref={from + i === token ? chosen : undefined}
        tabIndex={from + i === token ? 0 : -1}
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
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form */}
      <div class="texts" role="group" aria-label="Tokens of the text; arrow keys step" ref={line}>
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
