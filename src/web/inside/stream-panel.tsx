// The stream through the layers: how long it is, what each layer adds, and what the model would say there.
import { number, visibleToken } from "../ui/parts.tsx";
import { adjust } from "../url.ts";
import { textOf, useLens } from "./lens.ts";
import type { LookedAt } from "./looked-at.ts";
import { barLength, candidates, length, softmax } from "./numbers.ts";
import { isConv, layerName, rowOf } from "./seen-run.ts";

export function StreamPanel({ run, texts, token, layer }: LookedAt) {
  const lens = useLens(run, token);
  const final = typeof lens === "object" ? candidates(lens[lens.length - 1], 1)[0].id : undefined;
  const rows = run.config.layerTypes.map((_, index) => {
    const name = layerName(index);
    return {
      index,
      stream: length(rowOf(run, name, token)),
      operator: length(rowOf(run, `${name}.${isConv(run, index) ? "conv" : "self_attn"}`, token)),
      feedForward: length(rowOf(run, `${name}.feed_forward`, token)),
      logits: typeof lens === "object" ? lens[index + 1] : undefined,
    };
  });
  const most = Math.max(...rows.map(({ stream }) => (Number.isFinite(stream) ? stream : 0)), 1e-9);
  const settled =
    final === undefined
      ? undefined
      : rows.findIndex(({ index }) =>
          rows.slice(index).every(({ logits }) => logits && candidates(logits, 1)[0].id === final),
        );
  return (
    <>
      <h2>
        The stream of <q class="mono">{visibleToken(texts[token])}</q>
      </h2>
      {typeof lens === "string" && <p class="hint">{lens}</p>}
      {final !== undefined && (
        <p>
          The model’s next token, <q class="mono">{visibleToken(textOf(final))}</q>, is the likeliest from layer{" "}
          <b data-fact="settled">{settled}</b> on.
        </p>
      )}
      <div class="scroll-x">
        <table class="numbers-table stream">
          <thead>
            <tr>
              <th scope="col">after layer</th>
              <th scope="col">length of h</th>
              <th scope="col">
                <span class="unseen">bar</span>
              </th>
              <th scope="col">operator adds</th>
              <th scope="col">feed-forward adds</th>
              <th scope="col" class="lens-token">
                lens: likeliest
              </th>
              <th scope="col">share</th>
              <th scope="col">of the final one</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ index, stream, operator, feedForward, logits }) => {
              const best = logits && candidates(logits, 1)[0];
              return (
                <tr key={index} data-layer={index} class={index === layer ? "here" : ""}>
                  <th scope="row">
                    <button type="button" class="link" onClick={() => adjust({ layer: index })}>
                      {index}
                    </button>
                  </th>
                  <td title={String(stream)}>{number(stream, 2)}</td>
                  <td class="bar-cell">
                    <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                      <rect width={barLength(stream, most)} height={8} />
                    </svg>
                  </td>
                  <td title={String(operator)}>{number(operator, 2)}</td>
                  <td title={String(feedForward)}>{number(feedForward, 2)}</td>
                  <td class="mono lens-token">{best ? visibleToken(textOf(best.id)) : "…"}</td>
                  <td title={best && String(best.share)}>{best ? `${number(100 * best.share, 1)} %` : ""}</td>
                  <td>{logits && final !== undefined ? `${number(100 * softmax(logits)[final], 1)} %` : ""}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="hint">
        Lengths are Euclidean norms. The lens applies the final norm and the head to the stream as it is after a layer.
      </p>
    </>
  );
}
