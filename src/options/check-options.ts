// The options of a call: names that are not known and values of the wrong kind are refused before any work begins.
import type { Check } from "./checks.ts";
import { kindOf, OptionError } from "./option-error.ts";
import { namedElsewhere } from "./other-names.ts";

/** Every option that a call takes, and what can be said of its value. */
export type Checks = Readonly<Record<string, Check>>;

/** One check for each option of a type, none left out. */
export type ChecksOf<Options> = { readonly [Name in keyof Options]-?: Check };

/**
 * @param call     its name, for messages
 * @param options  as the caller stated them; one that is undefined counts as left out
 * @throws OptionError naming the option, what was expected and what was found
 */
export function checkOptions(call: string, checks: Checks, options: unknown = {}): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new OptionError({ subject: "options", expected: "an object", found: kindOf(options) });
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(checks, name)) {
      const ours = namedElsewhere(name, call);
      throw new OptionError({
        subject: name,
        expected: `an option of ${call} (${Object.keys(checks).join(", ")})`,
        found: "another",
        remedy: ours === undefined ? "Check the spelling." : `Here it is ${ours}.`,
      });
    }
    checks[name](value, name);
  }
}
