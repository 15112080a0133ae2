// A sample of what test/fuzz/templates.ts tries: hostile templates end in a prompt or a named error, and soon.
import { describe, expect, it } from "vitest";
import { freshSeed } from "../../src/sampling/random.ts";
import { HANDMADE, randomTemplate } from "../fuzz/hostile-templates.ts";
import { tryTemplate } from "../fuzz/try-template.ts";
import { least } from "../least.ts";

// Five times the bounds of an idle machine.
const [MOST_MS, MOST_GAP_MS] = [5500, 250];

describe("a hostile template", () => {
  const seed = freshSeed() % 2 ** 31;
  const sample: [string, string][] = [
    ...["list doubling", "undefined variables, deep", "2,000 lines, the last one broken"].map(
      (name): [string, string] => [name, HANDMADE[name]],
    ),
    [`seed ${seed}`, randomTemplate(seed)],
  ];
  it.each(sample)("ends soon, and the caller stays free: %s", async (_, template) => {
    const [ms, gapMs] = await least([MOST_MS, MOST_GAP_MS], async () => {
      const { result, errorName, ms, gapMs } = await tryTemplate(template);
      expect([undefined, "ChatError"], result).toContain(errorName);
      return [ms, gapMs];
    });
    expect(ms).toBeLessThan(MOST_MS);
    expect(gapMs).toBeLessThan(MOST_GAP_MS);
  });
});
