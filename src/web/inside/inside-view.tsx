// Look inside: a run token by token and layer by layer.
import { useEffect, useRef } from "preact/hooks";
import { OpeningLine } from "../model/model-panel.tsx";
import { exactSlot } from "../model/models.ts";
import { Button, Problem, visibleToken } from "../ui/parts.tsx";
import { keepInSight } from "../ui/stepping.ts";
import { addressOf, adjust, indexParam, param, place, placeWith, visit } from "../url.ts";
import { AttentionPanel } from "./attention-panel.tsx";
import { BlockFoot } from "./block-foot.tsx";
import { ConvolutionPanel } from "./convolution-panel.tsx";
import { ExpertsPanel } from "./experts-panel.tsx";
import { LayerColumn } from "./layer-column.tsx";
import { NextPanel } from "./next-panel.tsx";
import { attentionLayers, convLayers, sparseLayers } from "./numbers.ts";
import { PromptLine } from "./prompt-line.tsx";
import { RouterPanel } from "./router-panel.tsx";
import { drop, followPlace, isDropped, leaveDropped, running } from "./running.ts";
import type { SeenRun } from "./seen-run.ts";
import { type Show, shows } from "./sources.ts";
import { StreamPanel } from "./stream-panel.tsx";
import { TokenLine } from "./token-line.tsx";

const names: Record<Show, string> = {
  router: "Router",
  experts: "Experts",
  attention: "Attention",
  convolution: "Convolution",
  stream: "Stream and lens",
  next: "Next token",
};

export function InsideView() {
  useEffect(followPlace, []);
  const seen = running.value;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: "Open a trace" does the same from the keyboard
    <div
      class="inside"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length > 0) void drop(files);
      }}
    >
      <h1 class="unseen">Look inside</h1>
      <PromptLine />
      <OpeningLine slot={exactSlot} />
      {seen.is === "running" && (
        <p class="waiting" role="status">
          {seen.what}
        </p>
      )}
      {seen.is === "failed" && <Problem>{seen.message}</Problem>}
      {isDropped.value && (
        <p class="hint">
          {seen.is === "there" && `What is shown is ${visibleToken(seen.run.origin)}. `}
          <Button kind="quiet" onClick={leaveDropped}>
            Back to the model’s own run
          </Button>
        </p>
      )}
      {seen.is === "there" && <Looked run={seen.run} texts={seen.texts} isGrowing={seen.isGrowing} />}
    </div>
  );
}

/** Where a view's own layers are, the nearest to the one that is chosen. */
function nearest(layers: readonly number[], layer: number): number {
  return layers.reduce(
    (best, one) => (Math.abs(one - layer) < Math.abs(best - layer) ? one : best),
    layers[0] ?? layer,
  );
}

interface LookedProps {
  readonly run: SeenRun;
  readonly texts: readonly string[];
  readonly isGrowing: boolean;
}

function Looked({ run, texts, isGrowing }: LookedProps) {
  const token = indexParam("token", run.ids.length, run.answerFrom - 1);
  const stated = indexParam("layer", run.config.numHiddenLayers, 2);
  const possible = shows.filter((name) => run.config.numExperts > 0 || (name !== "router" && name !== "experts"));
  const show = possible.find((name) => name === param("show")) ?? possible[0];
  const own: Partial<Record<Show, readonly number[]>> = {
    router: sparseLayers(run),
    experts: sparseLayers(run),
    attention: attentionLayers(run),
    convolution: convLayers(run),
  };
  const layers = own[show];
  const layer = layers === undefined ? stated : nearest(layers, stated);
  const tabs = useRef<HTMLElement>(null);
  useEffect(
    () => keepInSight(tabs.current, tabs.current?.querySelector<HTMLElement>("[aria-current]") ?? null),
    [show],
  );
  useEffect(() => {
    const step = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      const [tokens, up] = [
        { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0,
        { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0,
      ];
      if (tokens === 0 && up === 0) return;
      event.preventDefault();
      if (tokens !== 0) adjust({ token: Math.min(run.ids.length - 1, Math.max(0, token + tokens)) });
      else {
        const among = layers ?? run.config.layerTypes.map((_, index) => index);
        adjust({ layer: among[Math.min(among.length - 1, Math.max(0, among.indexOf(layer) + up))] });
      }
    };
    addEventListener("keydown", step);
    return () => removeEventListener("keydown", step);
  });
  return (
    <>
      <TokenLine run={run} texts={texts} token={token} isGrowing={isGrowing} />
      <div class="look">
        <LayerColumn run={run} layer={layer} among={layers} />
        <section class="shown" aria-label={names[show]}>
          <nav class="tabs" aria-label="What is shown" ref={tabs}>
            {possible.map((name) => (
              <a
                key={name}
                class="tab"
                href={addressOf(placeWith(place.value, { show: name }))}
                aria-current={name === show ? "true" : undefined}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey) return;
                  event.preventDefault();
                  visit(placeWith(place.value, { show: name }));
                }}
              >
                {names[name]}
              </a>
            ))}
          </nav>
          <div class="panel-body">
            {show === "router" && <RouterPanel {...{ run, texts, token, layer }} />}
            {show === "experts" && <ExpertsPanel {...{ run, texts, token, layer }} />}
            {show === "attention" && <AttentionPanel {...{ run, texts, token, layer }} />}
            {show === "convolution" && <ConvolutionPanel {...{ run, texts, token, layer }} />}
            {show === "stream" && <StreamPanel {...{ run, texts, token, layer }} />}
            {show === "next" && <NextPanel {...{ run, texts, token, layer }} />}
          </div>
          <BlockFoot show={show} config={run.config} />
        </section>
      </div>
    </>
  );
}
