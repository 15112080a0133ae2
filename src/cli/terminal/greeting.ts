// What a user sees first: which model this is, what it knows, and what to try.

import { formatBytes, formatCount } from "../../quantities.ts";
import type { SamplingOptions } from "../../sampling/options.ts";
import type { OpenedModel } from "../files/open-model.ts";
import { modelFacts } from "../reports/model-facts.ts";
import { computationLine, samplingLine } from "./settings-line.ts";
import { harmless, note, styled } from "./terminal.ts";

/** What the embedded model was trained on. Source: golden/nano/README.md. */
const EMBEDDED = `
It greets, does small tasks, tells stories, knows LFM2 and a few capitals, and nothing else. Try:
    How many experts does LFM2 have?
    What is the capital of Poland?
    Tell me a story about a fox.`;

export function greet(
  { model, name }: OpenedModel,
  stated: Partial<SamplingOptions>,
  { isEmbedded, interactive }: { isEmbedded: boolean; interactive: boolean },
): void {
  const { stderr } = process;
  if (interactive) {
    const { parameters, activeParameters } = modelFacts(model.config, [...model.checkpoint.tensors.values()]);
    const active = activeParameters < parameters ? `, ${formatCount(activeParameters)} at work per token` : "";
    const size = `${formatCount(parameters)} parameters${active}, ${formatBytes(model.memoryBytes)} of memory`;
    const title = styled(stderr, "bold", harmless(stderr, name));
    stderr.write(`${title}: ${size}.${isEmbedded ? EMBEDDED : ""}\n`);
  }
  note(`${computationLine(model.settings)} · ${samplingLine(model.recommended, stated)}`);
  if (interactive) note("/help lists the commands, Ctrl-C stops an answer, Ctrl-D quits.\n");
}
