// Why these experts: every score, the bias on it, the weights, how near the next one was, and what other rules would choose.
import { number, visibleToken } from "../ui/parts.tsx";
import { adjust } from "../url.ts";
import type { LookedAt } from "./looked-at.ts";
import { barLength, firstOther, routingOf, same } from "./numbers.ts";

export function RouterPanel({ run, texts, token, layer }: LookedAt) {
  const routing = routingOf(run, layer, token);
  if (routing === undefined) return <p class="hint">This layer’s router was not recorded.</p>;
  const { experts, chosen, margin, withoutBias, withSoftmax } = routing;
  const most = Math.max(0, ...experts.flatMap(({ score, sum }) => [score, sum]).filter(Number.isFinite));
  const softmaxFirst = firstOther(run, token, "withSoftmax");
  const biasFirst = firstOther(run, token, "withoutBias");
  const broughtIn = chosen.filter((expert) => !withoutBias.includes(expert));
  const keptOut = withoutBias.filter((expert) => !chosen.includes(expert));
  return (
    <>
      <h2>
        Layer {layer} chooses for <q class="mono">{visibleToken(texts[token])}</q>
      </h2>
      <dl class="facts">
        <div>
          <dt>chosen</dt>
          <dd data-fact="chosen">{chosen.join(", ")}</dd>
        </div>
        <div>
          <dt>
            margin of the {ordinal(chosen.length)} over the {ordinal(chosen.length + 1)}
          </dt>
          <dd data-fact="margin" title={String(margin)}>
            {margin === undefined ? "not recorded" : number(margin, 4)}
          </dd>
        </div>
        <div>
          <dt>without the bias</dt>
          <dd data-fact="without-bias">
            {same(withoutBias, chosen)
              ? "the same"
              : `${withoutBias.join(", ")}: the bias brought in ${broughtIn.join(", ")} for ${keptOut.join(", ")}`}
          </dd>
        </div>
        <div>
          <dt>softmax in place of sigmoid</dt>
          <dd data-fact="with-softmax">{same(withSoftmax, chosen) ? "the same" : withSoftmax.join(", ")}</dd>
        </div>
        <div>
          <dt>first layer where softmax chooses others</dt>
          <dd data-fact="softmax-first">{softmaxFirst === undefined ? "none" : <LayerLink layer={softmaxFirst} />}</dd>
        </div>
        <div>
          <dt>first layer where the bias decides</dt>
          <dd data-fact="bias-first">{biasFirst === undefined ? "none" : <LayerLink layer={biasFirst} />}</dd>
        </div>
      </dl>
      <div class="scroll-x">
        <table class="scores">
          <thead>
            <tr>
              <th scope="col">expert</th>
              <th scope="col">score, and with the bias</th>
              <th scope="col">score</th>
              <th scope="col">bias</th>
              <th scope="col">both</th>
              <th scope="col">weight</th>
            </tr>
          </thead>
          <tbody>
            {experts.map(({ expert, score, bias, sum, weight }, rank) => (
              <tr
                key={expert}
                data-expert={expert}
                class={`${weight === undefined ? "" : "chosen"} ${rank === chosen.length ? "first-out" : ""}`}
              >
                <th scope="row">
                  <button type="button" class="link" onClick={() => adjust({ show: "experts", expert })}>
                    {expert}
                  </button>
                </th>
                <td class="bar-cell">
                  <ScoreBar score={score / most} sum={sum / most} isChosen={weight !== undefined} />
                </td>
                <td title={String(score)}>{number(score)}</td>
                <td title={String(bias)}>{number(bias)}</td>
                <td title={String(sum)}>{number(sum)}</td>
                <td title={weight === undefined ? undefined : String(weight)}>
                  {weight === undefined ? "" : number(weight)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** The bar is the score; the mark is where the bias moves it. */
function ScoreBar({
  score,
  sum,
  isChosen,
}: {
  readonly score: number;
  readonly sum: number;
  readonly isChosen: boolean;
}) {
  const at = (share: number): number => 2 * barLength(share, 1);
  return (
    <svg class="score-bar" viewBox="0 0 202 12" preserveAspectRatio="none" aria-hidden="true">
      <rect class={isChosen ? "of-chosen" : "of-other"} x={0} y={2} width={at(score)} height={8} />
      <rect class="of-bias" x={Math.min(at(score), at(sum))} y={5} width={Math.abs(at(sum) - at(score))} height={2} />
      <rect class="of-bias" x={at(sum)} y={0} width={1.6} height={12} />
    </svg>
  );
}

function LayerLink({ layer }: { readonly layer: number }) {
  return (
    <button type="button" class="link" onClick={() => adjust({ layer })}>
      {layer}
    </button>
  );
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${n}${ending}`;
}
