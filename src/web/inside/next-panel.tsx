// What comes next: the likeliest tokens, and where the chat's int8 arithmetic says something else.
import { useEffect, useState } from "preact/hooks";
import { chatSlot } from "../model/models.ts";
import { Button, number, visibleToken } from "../ui/parts.tsx";
import { adjust, place, placeWith, visit } from "../url.ts";
import { textOf, useLens } from "./lens.ts";
import type { LookedAt } from "./looked-at.ts";
import { candidates, divergence, softmax } from "./numbers.ts";
import { MOST_TOKENS, rowOf, type SeenRun } from "./seen-run.ts";

export function NextPanel({ run, texts, token }: LookedAt) {
  const lens = useLens(run, token);
  const logits = rowOf(run, "lm_head", token) ?? (typeof lens === "object" ? lens[lens.length - 1] : undefined);
  const int8 = useInt8(run, token);
  if (logits === undefined) return <p class="hint">{typeof lens === "string" ? lens : "Computing…"}</p>;
  const found = candidates(logits, 12);
  const inInt8 = typeof int8 === "object" ? softmax(int8) : undefined;
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
                    <rect width={100 * share} height={8} />
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
      {typeof int8 === "object" ? (
        <p>
          The chat rounds activations to 8 bits. Here that makes a KL divergence of{" "}
          <b data-fact="int8-kl">{divergence(logits, int8).toExponential(2)}</b> nats, and{" "}
          {candidates(int8, 1)[0].id === found[0].id ? "the same likeliest token." : "another likeliest token."}
        </p>
      ) : (
        <p class="hint">{int8}</p>
      )}
    </>
  );
}

/** The chat's logits at a token; why there are none. */
function useInt8(run: SeenRun, token: number): Float32Array | string {
  const [found, setFound] = useState<Float32Array | string>("…");
  const opening = chatSlot.opening.value;
  const isLive = run.origin.startsWith("this model");
  useEffect(() => {
    const controller = new AbortController();
    setFound("Computing the chat’s int8 run…");
    if (!isLive) setFound("");
    else if (opening.is !== "open") setFound("Open the chat to see where its int8 arithmetic differs.");
    else {
      const read = async (): Promise<void> => {
        const choice = { points: ["lm_head"], positions: { from: token, to: token + 1 }, signal: controller.signal };
        for await (const { data } of opening.model.trace(run.ids.slice(0, token + 1), choice))
          setFound(Float32Array.from(data));
      };
      read().catch((error: Error) => {
        if (!controller.signal.aborted) setFound(error.message);
      });
    }
    return () => controller.abort();
  }, [run, token, opening.is]);
  return found;
}
