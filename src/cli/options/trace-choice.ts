// Options about which points and positions of a run to keep.
import type { Command } from "commander";
import type { Positions } from "../../oracle/trace/trace-plan.ts";
import { UsageError } from "../exit.ts";

export interface TraceChoiceFlags {
  readonly points?: string[];
  readonly positions?: Partial<Positions>;
}

export function addTraceChoice(command: Command, everything = "all"): Command {
  return command
    .option("--points <globs...>", `points by name, such as "model.layers.7.**" (default: ${everything})`)
    .option("--positions <from:to>", "keep these positions only; to is exclusive (default: all)", range);
}

/** "3:10", "3:", ":10". */
function range(text: string): Partial<Positions> {
  const [, from, to] = /^(\d{1,9})?:(\d{1,9})?$/.exec(text) ?? [];
  if (from === undefined && to === undefined) {
    throw new UsageError({
      subject: "--positions",
      expected: "a range such as 0:16, 8: or :16",
      found: JSON.stringify(text),
    });
  }
  return { ...(from === undefined ? {} : { from: Number(from) }), ...(to === undefined ? {} : { to: Number(to) }) };
}
