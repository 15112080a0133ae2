// Options that would be ignored are refused by name: whoever states one expects it to count.
import { UsageError } from "../exit.ts";
import { flagNames } from "./flag-names.ts";
import type { ModelFlags } from "./model-options.ts";

/** @param without  what leaves them without a meaning: "two recordings" @throws UsageError for the first that is stated */
export function refuseFlags(flags: Readonly<Record<string, unknown>>, without: string): void {
  const stated = Object.entries(flags).find(([, value]) => value !== undefined);
  if (stated === undefined) return;
  throw new UsageError({
    subject: stated[0],
    expected: `none with ${without}`,
    found: "one",
    remedy: "Leave it out.",
  });
}

/** By their names those options that only a run has a use for. */
export function runFlags(flags: ModelFlags): Record<string, unknown> {
  const { backend, mode, kvType, context, threads, kernels, quantize, ignoreMemory } = flags;
  const stated = { backend, mode, kvType, contextLength: context, threads, kernels, quantize, ignoreMemory };
  return Object.fromEntries(Object.entries(stated).map(([option, value]) => [flagNames[option], value]));
}
