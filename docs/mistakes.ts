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

This list is made from the table that \`lfm2 compare\` tries (\`npm run docs\`). Where two runs part, the graph itself is
run again over what was recorded, as specified and with each of these in it. A cause is named when it leaves at most a tenth
of the difference between the runs at that point, gives the run's numbers within the tolerance of the comparison, and
agrees with every other point of the same module. Where several are listed under one cause, each is tried.

After the first cause every later module is computed from what the run itself recorded, as specified and with that cause:
where it is neither, the next one is searched, and said with "then". Several mistakes in one module are tried together, up to
three. Where the numbers do not tell two causes apart, both are said.

Not of this table, but named as well: \`doubled-bos\` and \`missing-bos\` by the ids, \`not-a-number\` and \`overflow\` by the
numbers, \`scaled\` where one factor makes one run of the other, and with the model's weights \`zeroed-rows\` and
\`damaged-weight\`, with the rows, the column or the element; \`perturbed-weight\`, \`weights-of-other-layer\` and
\`swapped-layers\`, with the place. Of routers, \`near-tie\` and \`exact-tie\` are no mistakes.`;

const ROUNDING = "Tried last. These are no mistakes, and clear a difference only where they take it away.";
