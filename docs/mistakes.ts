// docs/mistakes.md: the mistakes that lfm2 compare knows by name, made from the table that it tries.
//
// Written by: npm run docs
import type { Config } from "../src/model/config.ts";
import { type Mistake, type Part, wordsOf } from "../src/oracle/mistakes/mistake.ts";
import { mistakes } from "../src/oracle/mistakes/mistakes.ts";

const parts: readonly Part[] = [
  ...(["embedding", "norm", "short convolution", "attention", "router", "feed-forward", "residual"] as const),
  ...(["final norm", "head"] as const),
];

/** The whole document. */
export function mistakesMarkdown(): string {
  const sections = parts.map((part) => {
    const own = mistakes.filter(({ parts: [first], kind }) => first === part && kind === "bug");
    return `## ${part[0].toUpperCase()}${part.slice(1)}\n\n${table(own)}`;
  });
  const roundings = mistakes.filter(({ kind }) => kind === "precision");
  return `${[HEAD, ...sections, `## Rounding\n\n${ROUNDING}\n\n${table(roundings)}`].join("\n\n")}\n`;
}

/** One line to a cause, with all of its variants. */
function table(some: readonly Mistake[]): string {
  const causes = [...new Set(some.map(({ cause }) => cause))];
  const lines = causes.map((cause) => {
    const variants = some
      .filter((mistake) => mistake.cause === cause && !cause.includes("+"))
      .map(words)
      .filter((says) => !/(\S+)( experts to a token)? instead of \1$/.test(says));
    return variants.length === 0 ? [] : [`| \`${cause}\` | ${[...new Set(variants)].join("; ")} |`];
  });
  return ["| cause | |", "| --- | --- |", ...lines.flat()].join("\n");
}

/** The numbers of LFM2-8B-A1B, where a sentence names the right one. */
const example = { normEps: 1e-5, ropeTheta: 1e6, numExpertsPerTok: 4, ropeScaling: { ropeType: "yarn" } };

function words(mistake: Mistake): string {
  return wordsOf(mistake, example as Config, []).replaceAll("|", "\\\\|");
}

const HEAD = `# Mistakes known by name

\`lfm2 compare\` tries each of these mistakes; \`npm run docs\` makes this page from its table. Where two runs part, the
graph is run again over what was recorded: as specified, and with each mistake in it. A mistake is named as the cause if it
takes away at least nine tenths of the difference there, gives the run's numbers within the tolerance, and agrees with every
other point of the same module. Where a cause lists several variants, each is tried.

Behind the first cause, every later module is computed from what the run itself recorded, as specified and with the causes
found so far. Where neither fits, the search goes on, and the next cause follows after "then". Up to three mistakes in one
module are tried together. Causes that the numbers do not tell apart are all named.

Some causes are not in the table:

- by the ids: \`doubled-bos\`, \`missing-bos\`;
- by the numbers: \`not-a-number\`, \`overflow\`, and \`scaled\`, where one run is a multiple of the other;
- by what a module reads and gives: \`other-weight\`, \`head-not-tied\`, \`zeroed-rows\`, \`damaged-weight\` (with the rows, the
  column or the element);
- with \`-m\`: \`perturbed-weight\`, \`weights-of-other-layer\`, \`swapped-layers\`.

\`near-tie\` and \`exact-tie\`, of routers, are no mistakes.`;

const ROUNDING = "These are no mistakes. They are tried last, and clear a difference only if they take it away.";
