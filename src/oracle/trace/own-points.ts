// What is recorded of a run that is made to be held against another one.
import type { Config } from "../../model/config.ts";
import { planTrace } from "./trace-plan.ts";

/**
 * Every point, which finds more causes than those of the other side alone; of a run too large for that, those that `wanted`
 * has, too.
 * @returns globs, as `planTrace` takes them; undefined for every point
 */
export function ownPoints(
  config: Config,
  count: number,
  wanted: (name: string) => boolean,
  mostBytes: number,
  edits?: readonly string[],
): string[] | undefined {
  const whole = planTrace(config, count, { edits });
  if (whole.bytes <= mostBytes) return undefined;
  return whole.points.map(({ name }) => name).filter(wanted);
}
