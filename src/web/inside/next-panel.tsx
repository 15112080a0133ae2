// What comes next: the likeliest tokens, and where the chat's int8 arithmetic says something else.
import { Button, number, visibleToken } from "../ui/parts.tsx";
import { adjust, place, placeWith, visit } from "../url.ts";
import { Int8Beside, useInt8 } from "./int8-beside.tsx";
import { textOf, useLens } from "./lens.ts";
import type { LookedAt } from "./looked-at.ts";
import { barLength, candidates, softmax } from "./numbers.ts";
import { MOST_TOKENS, rowOf } from "./seen-run.ts";

export function NextPanel({ run, texts, token }: LookedAt) {
  const lens = useLens(run, token);
  const logits = rowOf(run, "lm_head", token) ?? (typeof lens === "object" ? lens[lens.length - 1] : undefined);
  const int8 = useInt8(run, token);
  if (logits === undefined) return <p class="hint">{typeof lens === "string" ? lens : "Computing…"}</p>;
  const found = candidates(logits, 12);
  const inInt8 = int8 && softmax(int8);
  const actual = run.ids[token + 1];
  const goOn = (id: number): void =>
    visit(
      placeWith(place.value, {
        ids: [...run.ids.slice(0, token + 1), id].join(","),
        answer: Math.min(run.answerFrom, token + 1),
        prompt: undefined,
        token: token + 1,
      }),
    );
  return (
    <>
      <h2>
        After <q class="mono">{visibleToken(texts[token])}</q>
      </h2>
      <div class="scroll-x">
        <table class="numbers-table next">
          <thead>
            <tr>
              <th scope="col">token</th>
              <th scope="col">share</th>
              <th scope="col">
                <span class="unseen">bar</span>
              </th>
              <th scope="col">logit</th>
              {inInt8 && <th scope="col">in the chat’s int8</th>}
              <th scope="col">
                <span class="unseen">go on</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.map(({ id, share }, rank) => (
              <tr key={id} data-rank={rank} data-id={id} class={id === actual ? "here" : ""}>
                <th scope="row" class="mono">
                  {visibleToken(textOf(id))} <span class="hint">{id}</span>
                </th>
                <td title={String(share)}>{number(100 * share, 2)} %</td>
                <td class="bar-cell">
                  <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect width={barLength(share, 1)} height={8} />
                  </svg>
                </td>
                <td title={String(logits[id])}>{number(logits[id])}</td>
                {inInt8 && <td title={String(inInt8[id])}>{number(100 * inInt8[id], 2)} %</td>}
                <td>
                  {token + 1 < MOST_TOKENS && id !== actual && (
                    <Button kind="quiet" onClick={() => goOn(id)}>
                      look at it
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {actual !== undefined && (
        <p class="hint">
          Marked: the token that comes next in this text.{" "}
          <button type="button" class="link" onClick={() => adjust({ token: token + 1 })}>
            Go to it
          </button>
        </p>
      )}
      <Int8Beside run={run} texts={texts} exact={logits} int8={int8} />
    </>
  );
}
