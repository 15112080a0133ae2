// Where the heads of a layer look from a token, and the whole map of one head.
import { useEffect, useRef } from "preact/hooks";
import { Button, number, visibleToken } from "../ui/parts.tsx";
import { isDark } from "../ui/theme.ts";
import { adjust, indexParam } from "../url.ts";
import type { LookedAt } from "./looked-at.ts";
import { attentionRow, barLength, mapWindow } from "./numbers.ts";

export function AttentionPanel({ run, texts, token, layer }: LookedAt) {
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads } = run.config;
  const head = indexParam("head", heads, 0);
  const row = attentionRow(run, layer, head, token);
  if (row === undefined) return <p class="hint">This layer’s queries and keys were not recorded.</p>;
  const order = [...row.keys()].sort((a, b) => row[b] - row[a] || a - b);
  const most = row[order[0]];
  const count = run.ids.length;
  const { from, to } = mapWindow(count, token);
  return (
    <>
      <h2>
        Layer {layer} looks back from <q class="mono">{visibleToken(texts[token])}</q>
      </h2>
      <div class="row">
        {Array.from({ length: heads }, (_, index) => (
          <Button
            key={index}
            aria-pressed={index === head}
            title={`reads the keys of head ${Math.floor((index * kvHeads) / heads)}`}
            onClick={() => adjust({ head: index })}
          >
            head {index}
          </Button>
        ))}
      </div>
      <div class="two">
        <div>
          <h3>Shares of head {head}</h3>
          <table class="shares">
            <tbody>
              {order.slice(0, 16).map((at, rank) => (
                <tr key={at} data-rank={rank} data-token={at}>
                  <th scope="row">
                    <button type="button" class="link mono" onClick={() => adjust({ token: at })}>
                      {visibleToken(texts[at])}
                    </button>
                    <span class="hint"> {at}</span>
                  </th>
                  <td title={String(row[at])}>{number(100 * row[at], 1)} %</td>
                  <td class="bar-cell">
                    <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                      <rect width={barLength(row[at], most)} height={8} />
                    </svg>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {order.length > 16 && <p class="hint">and {order.length - 16} more tokens</p>}
        </div>
        <div>
          <h3 data-fact="map">
            Map of head {head}
            {to - from < count && `, tokens ${from} to ${to - 1} of ${count}`}
          </h3>
          <AttentionMap {...{ run, texts, token, layer, head, from, to }} />
          <p class="hint">
            A row looks at the columns before it. Press to choose its token.
            {from > 0 && ` Columns before token ${from} are left out; the shares count them.`}
          </p>
        </div>
      </div>
    </>
  );
}

interface MapProps extends LookedAt {
  readonly head: number;
  readonly from: number;
  readonly to: number;
}

function AttentionMap({ run, texts, token, layer, head, from, to }: MapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const count = to - from;
  const cell = Math.max(1, Math.floor(360 / count));
  const dark = isDark.value;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, count * cell, count * cell);
    for (let y = 0; y < count; y++) {
      const row = attentionRow(run, layer, head, from + y)?.subarray(from) ?? [];
      for (const [x, share] of row.entries()) {
        if (Number.isNaN(share)) continue;
        context.fillStyle = `rgb(${dark ? "255 157 92" : "194 65 12"} / ${0.04 + 0.96 * Math.sqrt(share)})`;
        context.fillRect(x * cell, y * cell, cell, cell);
      }
    }
    context.strokeStyle = dark ? "#7ab0ff" : "#1d4ed8";
    const chosen = token - from;
    // Around the row: within it, a cell of one pixel would be covered.
    if (cell < 4) context.strokeRect(0.5, chosen * cell - 0.5, (chosen + 1) * cell, cell + 1);
    else context.strokeRect(0.5, chosen * cell + 0.5, (chosen + 1) * cell - 1, cell - 1);
  }, [run, layer, head, token, from, to, dark]);
  const at = (event: MouseEvent): { readonly row: number; readonly column: number } => {
    const map = event.currentTarget as HTMLElement;
    const { left, top } = map.getBoundingClientRect();
    const index = (offset: number, size: number): number =>
      from + Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
    return {
      row: index(event.clientY - top - map.clientTop, map.clientHeight),
      column: index(event.clientX - left - map.clientLeft, map.clientWidth),
    };
  };
  return (
    <canvas
      ref={canvas}
      class="map"
      width={count * cell}
      height={count * cell}
      role="img"
      aria-label={`How head ${head} of layer ${layer} weighs earlier tokens`}
      onClick={(event) => adjust({ token: at(event).row })}
      onMouseMove={(event) => {
        const { row, column } = at(event);
        const share = column <= row ? attentionRow(run, layer, head, row)?.[column] : undefined;
        event.currentTarget.title =
          share === undefined
            ? ""
            : `${visibleToken(texts[row])} → ${visibleToken(texts[column])}: ${number(100 * share, 2)} %`;
      }}
    />
  );
}
