// An answer token by token: how sure the model was of each, and what might have come in its place.
import { useState } from "preact/hooks";
import { Button, visibleToken } from "../ui/parts.tsx";
import { stepAmong } from "../ui/stepping.ts";
import { answer, busy } from "./answering.ts";
import { change, conversation, type StoredToken } from "./conversations.ts";

export function TokenStrip({
  tokens,
  turnIndex,
  isOwn,
}: {
  readonly tokens: readonly StoredToken[];
  readonly turnIndex: number;
  /** The model that is open wrote them. */
  readonly isOwn: boolean;
}) {
  const [chosen, setChosen] = useState(-1);
  const token = tokens[chosen];
  const goOnWith = (other: { readonly id: number; readonly text: string; readonly logprob: number }): void => {
    const shown = conversation();
    if (shown === undefined || token === undefined) return;
    change(shown.id, { turns: shown.turns.slice(0, turnIndex) });
    setChosen(-1);
    void answer(shown.id, [...tokens.slice(0, chosen), { ...token, ...other }]);
  };
  return (
    <div class="token-strip">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form */}
      <div class="tokens" role="group" aria-label="Tokens of the answer" onKeyDown={stepAmong}>
        {tokens.map(({ text, logprob }, index) => (
          <button
            key={index}
            type="button"
            class={`token sure-${sureness(logprob)}`}
            tabIndex={index === Math.max(0, chosen) ? 0 : -1}
            aria-pressed={index === chosen}
            title={`${percent(logprob)}`}
            onClick={() => setChosen(index === chosen ? -1 : index)}
          >
            {visibleToken(text)}
          </button>
        ))}
      </div>
      {token && (
        <div class="alternatives">
          <p class="hint">
            {visibleToken(token.text)}, {percent(token.logprob)}.{" "}
            {isOwn ? "Go on from another:" : "To go on from another, open the model that wrote it. It might have said:"}
          </p>
          <ul>
            {token.top.map((other) => (
              <li key={other.id}>
                <Button
                  disabled={!isOwn || busy.value !== undefined || other.id === token.id}
                  onClick={() => goOnWith(other)}
                >
                  <span class="token-text">{visibleToken(other.text)}</span>
                  <span class="share">{percent(other.logprob)}</span>
                </Button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

function percent(logprob: number): string {
  const share = 100 * Math.exp(logprob);
  return `${share >= 0.1 ? share.toFixed(1) : share.toPrecision(1)} %`;
}

/** 4: as good as certain; 0: hardly likely. */
function sureness(logprob: number): number {
  const share = Math.exp(logprob);
  return [0.1, 0.4, 0.75, 0.95].filter((least) => share >= least).length;
}
