// Recorded mistakes in the models that recorded-mistakes.test.ts leaves out.
import { describe, it } from "vitest";
import { expectNamed, others, titled } from "./recorded-mistakes.ts";

describe("a recorded mistake, in another model", () => {
  it.each(titled(others))("%s, in %s", expectNamed);
});
