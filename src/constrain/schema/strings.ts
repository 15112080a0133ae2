// Strings that `minLength`, `maxLength`, `pattern` and `format` allow, all of them together.
import type { Schema } from "../../json-schema/keywords.ts";
import { type Budget, newBudget } from "../budget.ts";
import { ConstraintError, shown } from "../error.ts";
import { both, lengthMachine, type Machine } from "../text/machine.ts";
import { parseRegex } from "../text/regex.ts";
import { regexMachine } from "../text/regex-machine.ts";
import { countAt } from "./bounds.ts";
import { STRING_FORMATS } from "./string-formats.ts";

/** Of strings that are counted. */
const MAX_LENGTH = 65_536;

export function stringMachine(schema: Schema, path: string, budget: Budget): Machine {
  const min = countAt(schema, "minLength", path, MAX_LENGTH) ?? 0;
  const max = countAt(schema, "maxLength", path, Number.POSITIVE_INFINITY) ?? Number.POSITIVE_INFINITY;
  const { pattern = [], format = [] } = schema;
  const machines: Machine[] = [];
  // Where schemas were joined, there may be several.
  for (const stated of [pattern].flat() as string[]) {
    const subject = `${path}.pattern`;
    machines.push(regexMachine(parseRegex(stated, subject), subject, budget, { whole: false }));
  }
  for (const stated of [format].flat()) {
    if (typeof stated !== "string" || !Object.hasOwn(STRING_FORMATS, stated)) {
      throw new ConstraintError({
        subject: `${path}.format`,
        expected: `one of ${Object.keys(STRING_FORMATS).join(", ")}`,
        found: shown(stated),
        remedy: "Use pattern.",
      });
    }
    machines.push(formatMachine(stated));
  }
  if (machines.length === 0 || min > 0 || max !== Number.POSITIVE_INFINITY) {
    machines.push(lengthMachine(min, max === Number.POSITIVE_INFINITY ? max : Math.min(max, MAX_LENGTH)));
  }
  return machines.reduce((a, b) => both(a, b, path, budget));
}

const formatMachines = new Map<string, Machine>();

/** Made once, on a budget of its own, so that a request costs the same whatever came before it. */
function formatMachine(format: string): Machine {
  const known = formatMachines.get(format);
  if (known !== undefined) return known;
  const made = regexMachine(parseRegex(STRING_FORMATS[format], format), format, newBudget(), { whole: true });
  formatMachines.set(format, made);
  return made;
}
