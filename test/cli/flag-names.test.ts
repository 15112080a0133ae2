// Errors of the library in the words of the command line, by their fields.
import { expect, it, vi } from "vitest";
import { asTrouble, describeError, UsageError } from "../../src/cli/exit.ts";
import { flagNames } from "../../src/cli/options/flag-names.ts";
import { aboutFlags } from "../../src/cli/options/option-values.ts";
import { PromptError } from "../../src/engine/engine.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { modelChecks } from "../../src/load/model-options.ts";
import { OptionError } from "../../src/options/option-error.ts";
import { SAMPLING_NAMES } from "../../src/sampling/options.ts";

const parts = { expected: "another", found: "this", remedy: "Mind contextLength and topK." };

it("every option of the model and of sampling has a flag, but the size of a bank", () => {
  const options = [...Object.keys(modelChecks), ...SAMPLING_NAMES];
  expect(options.filter((option) => !Object.hasOwn(flagNames, option))).toEqual(["bankBytes"]);
});

it("an error about an option is a usage error about its flag", () => {
  const error = new OptionError({ ...parts, subject: "topK" });
  expect(aboutFlags(error)).toBeInstanceOf(UsageError);
  expect(aboutFlags(error)).toMatchObject({ subject: "--top-k", expected: "another", found: "this", cause: error });
  expect(aboutFlags(new OptionError({ ...parts, subject: "choices[2]" }))).toMatchObject({ subject: "--choice[2]" });
  expect(aboutFlags(error, { topK: "--other-top-k" })).toMatchObject({ subject: "--other-top-k" });
});

it("a file that has the name of an option is no flag", () => {
  for (const subject of ["mode", "seed", "points", "order"]) {
    const error = new FormatError({ ...parts, subject });
    expect(aboutFlags(error)).toBe(error);
    expect(describeError(error)).toMatch(`${subject}: expected another`);
    expect(describeError(asTrouble(error))).toMatch(`${subject}: expected another`);
  }
});

it("a defect's place is told with LFM2_DEBUG=1, though the error is said to be about a verdict", () => {
  vi.stubEnv("LFM2_DEBUG", "1");
  const said = describeError(asTrouble(new TypeError("x is not a function")));
  vi.unstubAllEnvs();
  expect(said).toMatch(
    /UsageError: x is not a function[\s\S]*\ncaused by TypeError: x is not a function\n {4}at .*flag-names\.test\.ts/,
  );
});

it("an error about anything else stays what it is", () => {
  for (const subject of ["topKey", "toString", "model.topK", "files"]) {
    const error = new OptionError({ ...parts, subject });
    expect(aboutFlags(error)).toBe(error);
  }
  const other = new Error("topK: expected a defect");
  expect(aboutFlags(other)).toBe(other);
  expect(describeError(other)).toBe("topK: expected a defect");
});

it("a remedy names flags for the options that it is stated to name, and for no other word", () => {
  const error = new PromptError({ ...parts, subject: "prompt", options: ["contextLength"] });
  expect(describeError(error)).toBe("prompt: expected another, found this. Mind --context and topK.");
});
