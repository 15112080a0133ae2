// The layers as a picture, drawn from the points that were compared: where the two runs are alike, and where they part.
import { placeInLayer } from "../../oracle/recorded/point-names.ts";
import type { ComparedPoint } from "./protocol.ts";

export interface Block {
  readonly title: string;
  /** Undefined for what is no layer's. */
  readonly layer: number | undefined;
  readonly half: "operator" | "feed-forward" | "end";
  readonly look: "conv" | "attention" | "dense" | "sparse" | "plain";
  readonly names: readonly string[];
}

const FEED_FORWARD = /^(ffn_norm|feed_forward|$)/;

/** Embedding, then operator and feed-forward of each layer, then what comes after; in the order of execution. */
export function blocksOf(points: readonly ComparedPoint[]): Block[] {
  const before: string[] = [];
  const after: string[] = [];
  const halves = new Map<string, { layer: number; isOperator: boolean; parts: string[]; names: string[] }>();
  for (const { name } of points) {
    const place = placeInLayer(name);
    if (place === undefined) (halves.size === 0 && name === "model.embed_tokens" ? before : after).push(name);
    else {
      const isOperator = !FEED_FORWARD.test(place.part);
      const key = `${place.layer} ${isOperator}`;
      const half = halves.get(key) ?? { layer: place.layer, isOperator, parts: [], names: [] };
      halves.set(key, half);
      half.parts.push(place.part);
      half.names.push(name);
    }
  }
  const layers = [...halves.values()].sort((a, b) => a.layer - b.layer || Number(b.isOperator) - Number(a.isOperator));
  return [
    { title: "Embedding", layer: undefined, half: "end" as const, look: "plain" as const, names: before },
    ...layers.map(({ layer, isOperator, parts, names }): Block => {
      const has = (pattern: RegExp): boolean => parts.some((part) => pattern.test(part));
      const look = isOperator
        ? has(/^conv/)
          ? "conv"
          : has(/^self_attn/)
            ? "attention"
            : "plain"
        : has(/\.gate\.|\.experts\.|expert_bias/)
          ? "sparse"
          : has(/^feed_forward/)
            ? "dense"
            : "plain";
      const what = {
        conv: "convolution",
        attention: "attention",
        sparse: "experts",
        dense: "feed-forward",
        plain: isOperator ? "operator" : "output",
      }[look];
      return { title: `Layer ${layer}, ${what}`, layer, half: isOperator ? "operator" : "feed-forward", look, names };
    }),
    { title: "Norm and head", layer: undefined, half: "end" as const, look: "plain" as const, names: after },
  ].filter(({ names }) => names.length > 0);
}

interface GapColumnProps {
  readonly blocks: readonly Block[];
  readonly points: readonly ComparedPoint[];
  readonly first: string | undefined;
  readonly selected: string | undefined;
  readonly choose: (point: string) => void;
}

export function GapColumn({ blocks, points, first, selected, choose }: GapColumnProps) {
  const outside = new Set(points.filter(({ within }) => !within).map(({ name }) => name));
  const layers = [...new Set(blocks.flatMap(({ layer }) => (layer === undefined ? [] : [layer])))];
  const button = (block: Block | undefined, half: string) => {
    if (block === undefined) return <span key={half} class="gap-block absent" />;
    const wrong = block.names.filter((name) => outside.has(name));
    const isFirst = first !== undefined && block.names.includes(first);
    const words =
      wrong.length === 0 ? "within tolerance" : `${wrong.length} of ${block.names.length} points outside tolerance`;
    return (
      <button
        key={half}
        type="button"
        class={`gap-block block ${block.look} ${wrong.length > 0 ? "wrong" : ""}`}
        data-first={isFirst ? "true" : undefined}
        aria-current={selected !== undefined && block.names.includes(selected) ? "true" : undefined}
        aria-label={`${block.title}: ${words}${isFirst ? "; here the runs part" : ""}`}
        title={`${block.title}: ${words}${isFirst ? "; here the runs part" : ""}`}
        onClick={() => choose(isFirst ? (first as string) : (wrong[0] ?? (block.names.at(-1) as string)))}
      >
        {block.half === "end" ? block.title : wrong.length > 0 ? "≠" : ""}
      </button>
    );
  };
  const ends = (title: string) => blocks.find((block) => block.half === "end" && block.title === title);
  return (
    <nav class="layer-column gap-column" aria-label="Where the runs part">
      {ends("Embedding") && button(ends("Embedding"), "embedding")}
      {layers.map((layer) => (
        <div key={layer} class="gap-layer">
          <span class="index">{layer}</span>
          {["operator", "feed-forward"].map((half) =>
            button(
              blocks.find((block) => block.layer === layer && block.half === half),
              half,
            ),
          )}
        </div>
      ))}
      {ends("Norm and head") && button(ends("Norm and head"), "head")}
      <ul class="legend">
        <li>
          <span class="gap-block block wrong">≠</span> outside tolerance
        </li>
        <li>
          <span class="gap-block block plain" data-first="true" /> the first
        </li>
      </ul>
    </nav>
  );
}
