// The beginning that two prompts share, with the backends, modes and caches that reuse.test.ts leaves out.
import { describe, it } from "vitest";
import { expectFreshBits, expectFreshBitsAtReach, modes } from "./shared-beginning.ts";

describe.each(modes.filter((_, i) => i % 4 !== 0))(
  "a prompt that shares a beginning with the one before, %o",
  (options) => {
    it("gives the bits of a fresh run, wherever they part, turn after turn, in any steps, given up or not", () =>
      expectFreshBits(options));

    it("gives the bits of a fresh run behind a cut at, before and after the reach of the convolutions", () =>
      expectFreshBitsAtReach(options));
  },
);
