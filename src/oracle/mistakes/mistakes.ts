// Every mistake that is known, simple ones first: of two that explain a run as well, the first one counts.
import { attentionMistakes } from "./attention.ts";
import { feedForwardMistakes } from "./feed-forward.ts";
import { misreadBlocks } from "./misread-blocks.ts";
import type { Mistake } from "./mistake.ts";
import { normMistakes } from "./norm.ts";
import { rotationMistakes } from "./rotation.ts";
import { roundings } from "./rounding.ts";
import { routerMistakes } from "./router.ts";
import { shortConvMistakes } from "./short-conv.ts";
import { streamMistakes } from "./stream.ts";

export const mistakes: readonly Mistake[] = [
  ...normMistakes,
  ...shortConvMistakes,
  ...rotationMistakes,
  ...attentionMistakes,
  ...routerMistakes,
  ...feedForwardMistakes,
  ...streamMistakes,
  ...misreadBlocks,
  ...roundings,
];
