// A module computed with another layer's weights: one part of many layers, or two layers exchanged.
import type { Config } from "../../../model/config.ts";
import type { ReferenceWeight } from "../../../reference/tensor.ts";
import type { Diagnosis } from "../guesses.ts";
import { type Place, placeOf, type Side } from "../site.ts";

/** Layers that are tried, on either side. */
const NEAR = 4;

/** A module of `layer` that has the weights of `other`. */
export interface Moved {
  readonly layer: number;
  readonly other: number;
  /** Of the module, without its layer: "self_attn". */
  readonly part: string;
}

/** The layers near a point's own whose weights would fit it, nearest first. */
export function layersLike(
  point: string,
  { config }: Side,
): { readonly place: Place; readonly others: number[] } | undefined {
  const place = placeOf(point, config);
  if (
    place === undefined ||
    !["norm", "short convolution", "attention", "router", "feed-forward"].includes(place.part ?? "")
  )
    return undefined;
  const others = Array.from({ length: config.numHiddenLayers }, (_, layer) => layer)
    .filter((layer) => layer !== place.layer && Math.abs(layer - place.layer) <= NEAR && isLike(config, place, layer))
    .sort((a, b) => Math.abs(a - place.layer) - Math.abs(b - place.layer));
  return { place, others };
}

function isLike({ layerTypes, numDenseLayers }: Config, { layer, part }: Place, other: number): boolean {
  if (part === "norm") return true;
  if (part === "short convolution" || part === "attention") return layerTypes[layer] === layerTypes[other];
  return layer < numDenseLayers === other < numDenseLayers;
}

/** The side with the weights of `other` in `layer`. */
export function withLayer(side: Side, layer: number, other: number): Side {
  const [own, theirs] = [`model.layers.${layer}.`, `model.layers.${other}.`];
  return {
    ...side,
    async weights(place) {
      const known = await side.weights({ ...place, layer: other, module: place.module.replace(own, theirs) });
      const renamed = [...known].flatMap(([path, weight]): [string, ReferenceWeight][] => {
        if (path.startsWith(own)) return [];
        const to = path.startsWith(theirs) ? path.replace(theirs, own) : path;
        return [[to, { ...weight, path: to }]];
      });
      return new Map(renamed);
    },
  };
}

export function movedDiagnosis({ layer, other, part }: Moved, { label }: Side): Diagnosis {
  return {
    ...{ cause: "weights-of-other-layer", kind: "bug", side: label },
    says: `the weights of layer ${other} in ${part} of layer ${layer}`,
    evidence: `with them, what ${label} recorded at model.layers.${layer}.${part} is what is specified`,
  };
}

/** Two layers each of which has the other's weights in all of its modules. @param parts  of a layer's modules that were computed */
export function exchangedLayers(
  moved: readonly Moved[],
  parts: (layer: number) => readonly string[],
): readonly [a: number, b: number] | undefined {
  // Two norms, the operator and the feed-forward.
  const isWhole = (layer: number, other: number): boolean =>
    parts(layer).length >= 4 &&
    parts(layer).every((part) => moved.some((one) => one.layer === layer && one.other === other && one.part === part));
  const whole = moved.find(({ layer, other }) => isWhole(layer, other) && isWhole(other, layer));
  return whole && [whole.layer, whole.other];
}

export function exchangedDiagnosis([a, b]: readonly [number, number], { label }: Side): Diagnosis {
  return {
    ...{ cause: "swapped-layers", kind: "bug", side: label, says: `layers ${a} and ${b} exchanged` },
    evidence: `with each other's weights, what ${label} recorded in every module of the two is what is specified`,
  };
}
