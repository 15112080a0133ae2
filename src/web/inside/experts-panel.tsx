// Which experts worked, layer by layer, and what each of a layer was chosen for.
import { Button, number, visibleToken } from "../ui/parts.tsx";
import { adjust, indexParam, param } from "../url.ts";
import type { LookedAt } from "./looked-at.ts";
import { chosenFor, sparseLayers, usage } from "./numbers.ts";

const scopes = ["token", "prompt", "answer", "all"] as const;

export function ExpertsPanel({ run, texts, token, layer }: LookedAt) {
  const { ids, answerFrom, config } = run;
  const scope = scopes.find((name) => name === param("scope")) ?? "all";
  const [from, to] = {
    token: [token, token + 1],
    prompt: [0, answerFrom],
    answer: [answerFrom, ids.length],
    all: [0, ids.length],
  }[scope];
  const layers = sparseLayers(run);
  const used = layers.map((index) => usage(run, index, from, to));
  const most = Math.max(1, ...used.flatMap(({ counts }) => [...counts]));
  const expert = indexParam("expert", config.numExperts, busiest(used[layers.indexOf(layer)]?.counts));
  const row = used[layers.indexOf(layer)];
  const found = chosenFor(run, layer, expert);
  const idle = row === undefined ? 0 : row.counts.filter((count) => count === 0).length;
  const cell = 14;
  return (
    <>
      <h2>Who worked</h2>
      <div class="row">
        {scopes.map((name) => (
          <Button
            key={name}
            aria-pressed={scope === name}
            disabled={name === "answer" && answerFrom === ids.length}
            onClick={() => adjust({ scope: name })}
          >
            {name === "token" ? "this token" : name}
          </Button>
        ))}
      </div>
      <p class="hint">
        A row is a layer, a column an expert; the stronger its colour, the more of{" "}
        {to - from === 1 ? "the one token" : `the ${to - from} tokens`} chose it. In layer {layer},{" "}
        <span data-fact="idle">{idle}</span> of {config.numExperts} experts were chosen by none of them.
      </p>
      <div class="scroll-x">
        <svg
          class="usage"
          viewBox={`-26 -2 ${config.numExperts * cell + 30} ${layers.length * cell + 6}`}
          role="img"
          aria-label={`Tokens by layer and expert, at most ${most}`}
        >
          {layers.map((index, y) => (
            <g key={index}>
              <text x={-4} y={y * cell + 10} class={index === layer ? "here" : ""}>
                {index}
              </text>
              {[...used[y].counts].map((count, x) => (
                // biome-ignore lint/a11y/noStaticElementInteractions: the fields below do the same from the keyboard
                <rect
                  key={x}
                  x={x * cell}
                  y={y * cell}
                  width={cell - 1.5}
                  height={cell - 1.5}
                  rx={2}
                  class={`cell ${index === layer && x === expert ? "here" : ""}`}
                  fill-opacity={count === 0 ? 0.05 : 0.15 + (0.85 * count) / most}
                  onClick={() => adjust({ layer: index, expert: x })}
                >
                  <title>{`layer ${index}, expert ${x}: ${count} of ${to - from} tokens, weights ${number(used[y].weights[x], 2)}`}</title>
                </rect>
              ))}
            </g>
          ))}
        </svg>
      </div>
      <div class="row expert-line">
        <h3>
          Layer {layer}, expert {expert}
        </h3>
        <Button
          kind="quiet"
          aria-label="The expert before"
          disabled={expert === 0}
          onClick={() => adjust({ expert: expert - 1 })}
        >
          ←
        </Button>
        <Button
          kind="quiet"
          aria-label="The next expert"
          disabled={expert === config.numExperts - 1}
          onClick={() => adjust({ expert: expert + 1 })}
        >
          →
        </Button>
      </div>
      <p class="hint">
        Chosen by <span data-fact="chosen-by">{found.length}</span> of {ids.length} tokens. Those where it counts most:
      </p>
      <ol class="chosen-for">
        {found.slice(0, 12).map(({ token: at, weight }) => (
          <li key={at}>
            <button type="button" class="link mono" onClick={() => adjust({ token: at, show: "router" })}>
              {visibleToken(texts[at])}
            </button>
            <span title={String(weight)}>{number(weight)}</span>
            <span class="hint">token {at}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function busiest(counts: Int32Array | undefined): number {
  return counts === undefined ? 0 : counts.indexOf(Math.max(...counts));
}
