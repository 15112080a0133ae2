// The layers as a picture, drawn from the config: an operator and a feed-forward to each.
import { useEffect, useRef } from "preact/hooks";
import { keepInSight } from "../ui/stepping.ts";
import { adjust } from "../url.ts";
import { isConv, isSparse, type SeenRun } from "./seen-run.ts";

interface LayerColumnProps {
  readonly run: SeenRun;
  readonly layer: number;
  /** Those that the view shows; all where it is undefined. */
  readonly among: readonly number[] | undefined;
}

export function LayerColumn({ run, layer, among }: LayerColumnProps) {
  const { config } = run;
  const column = useRef<HTMLElement>(null);
  const chosen = useRef<HTMLButtonElement>(null);
  useEffect(() => keepInSight(column.current, chosen.current), [layer]);
  return (
    <nav class="layer-column" aria-label="Layers; arrow keys step" ref={column}>
      <span class="end-cap">embedding</span>
      {config.layerTypes.map((_, index) => {
        const operator = isConv(run, index) ? "convolution" : "attention";
        const feedForward = isSparse(run, index) ? "experts" : "dense";
        return (
          <button
            key={index}
            type="button"
            class={`layer ${among?.includes(index) === false ? "other" : ""}`}
            ref={index === layer ? chosen : undefined}
            tabIndex={index === layer ? 0 : -1}
            aria-current={index === layer ? "true" : undefined}
            aria-label={`Layer ${index}: ${operator}, ${feedForward}`}
            title={`layer ${index}: ${operator}, then ${feedForward === "dense" ? "a dense feed-forward" : `${config.numExpertsPerTok} of ${config.numExperts} experts`}; [T, ${config.hiddenSize}]`}
            onClick={() => adjust({ layer: index })}
          >
            <span class="index">{index}</span>
            <span class={`block ${operator === "convolution" ? "conv" : "attention"}`} />
            <span class={`block ${feedForward === "dense" ? "dense" : "sparse"}`} />
          </button>
        );
      })}
      <span class="end-cap">norm, head</span>
      <ul class="legend">
        <li>
          <span class="block conv" /> convolution
        </li>
        <li>
          <span class="block attention" /> attention
        </li>
        <li>
          <span class="block dense" /> dense
        </li>
        {config.numExperts > 0 && (
          <li>
            <span class="block sparse" /> experts
          </li>
        )}
      </ul>
    </nav>
  );
}
