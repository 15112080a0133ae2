// Matchers for Vitest: tensors against tensors, and a runtime's tensors against a golden. Importing this adds them.
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { describeGap, FLOAT32_TOLERANCE } from "./oracle/compare/closeness.ts";
import { measureGap, type Tolerance } from "./oracle/compare/gap.ts";
import { nearNames } from "./oracle/glob.ts";
import {
  caseOf,
  checkRun,
  createChecker,
  GoldenError,
  openCase,
  type PointCheck,
} from "./oracle/golden/golden-check.ts";
import { readGolden } from "./oracle/golden/golden-manifest.ts";
import { numbersOf, runOfTensors, shapeOf, type TensorLike } from "./oracle/recorded/tensor-like.ts";
import { diskFolder } from "./sources/disk.ts";

export type { Tolerance } from "./oracle/compare/gap.ts";
export type { NestedNumbers, Numbers, TensorLike } from "./oracle/recorded/tensor-like.ts";

export interface GoldenMatch {
  /** Of a golden with several cases. */
  readonly case?: string;
  /** Globs: the points that have to be there. By default, those that are given are compared. */
  readonly points?: readonly string[];
}

export interface TensorMatchers<R = unknown> {
  /**
   * Every number within atol + rtol · |expected|, by default as torch.testing.assert_close has it for float32: 1e-5 and
   * 1.3e-6. A NaN is near nothing.
   */
  toBeCloseToTensor(expected: TensorLike, tolerance?: Partial<Tolerance>): R;
  /**
   * For a record or Map of tensors by the names of a golden: each within the golden's own tolerance. Asynchronous.
   * @param directory  of golden.json; relative to the working directory, or a file: URL
   */
  toMatchGolden(directory: string | URL, options?: GoldenMatch): Promise<R>;
}

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: as Vitest declares it
  interface Matchers<T = any> extends TensorMatchers<T> {}
}

export interface Outcome {
  readonly pass: boolean;
  readonly message: () => string;
}

export function toBeCloseToTensor(
  received: TensorLike,
  expected: TensorLike,
  stated: Partial<Tolerance> = {},
): Outcome {
  const { rtol = FLOAT32_TOLERANCE.rtol, atol = FLOAT32_TOLERANCE.atol } = stated; // also where undefined is stated
  const tolerance = { rtol, atol };
  const [actual, wanted] = [numbersOf(received), numbersOf(expected)];
  const [shape, wantedShape] = [shapeOf(received, actual.length), shapeOf(expected, wanted.length)];
  // A plain list of numbers has no shape to be wrong.
  const isFlat = shape.length === 1 || wantedShape.length === 1;
  if (actual.length !== wanted.length || (!isFlat && shape.join() !== wantedShape.join())) {
    const message = (): string => `expected a tensor of shape [${wantedShape.join(", ")}], found [${shape.join(", ")}]`;
    return { pass: false, message };
  }
  const gap = measureGap(actual, wanted, tolerance);
  const longest = wantedShape.length >= shape.length ? wantedShape : shape;
  return {
    pass: gap.mismatched === 0,
    message: () =>
      gap.mismatched === 0
        ? `expected tensors that are not close, found all ${gap.count} elements within tolerance`
        : ["Tensor-likes are not close!", "", ...describeGap(gap, longest, tolerance)].join("\n"),
  };
}

export async function toMatchGolden(
  received: Readonly<Record<string, TensorLike>> | ReadonlyMap<string, TensorLike>,
  directory: string | URL,
  { case: caseName, points }: GoldenMatch = {},
): Promise<Outcome> {
  const folder = diskFolder(directory instanceof URL ? fileURLToPath(directory) : directory);
  const golden = await readGolden(folder);
  const known = golden.cases.filter(({ name }) => caseName === undefined || name === caseName);
  const one = caseOf({ name: folder.name, ids: undefined }, known);
  const expected = await openCase(folder, golden, one);
  try {
    const run = runOfTensors(received, (name) => expected.points.get(name)?.cols);
    for (const name of run.points.keys()) {
      if (expected.points.has(name)) continue;
      const near = nearNames([...expected.points.keys()], name).join(", ");
      throw new GoldenError({
        subject: name,
        expected: `a point of the golden ${folder.name}`,
        found: "none",
        remedy: `Near it: ${near}.`,
      });
    }
    const checker = await createChecker(expected, one, golden.tolerances, points ?? [...run.points.keys()]);
    const { checks } = await checkRun(run, one, checker, true);
    const failed = checks.filter(({ passed }) => !passed);
    return {
      pass: failed.length === 0,
      message: () =>
        failed.length === 0
          ? `expected tensors that differ from the golden ${folder.name}, found all ${checks.length} within tolerance`
          : failureText(folder.name, checks.length, failed),
    };
  } finally {
    await expected.close();
  }
}

const SHOWN = 5;

function failureText(golden: string, count: number, failed: readonly PointCheck[]): string {
  const shown = failed.slice(0, SHOWN).flatMap(({ name, shape, gap, tolerance, rule, found }) => {
    const subject = `${name} [${shape.join(", ")}]`;
    if (gap === undefined) return ["", `${subject}: expected a tensor of this shape, found ${found}`];
    return ["", `${subject}: not close (${rule.reason})`, ...describeGap(gap, shape, tolerance)];
  });
  const more = failed.length > SHOWN ? ["", `… and ${failed.length - SHOWN} more`] : [];
  return [`${failed.length} of ${count} tensors are not those of the golden ${golden}`, ...shown, ...more].join("\n");
}

expect.extend({ toBeCloseToTensor, toMatchGolden });
