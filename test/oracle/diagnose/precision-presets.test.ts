// Recordings kept in 16 bits, with a mistake in them: the tolerance that --precision names is wide, and still tells.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { f16ToF32, f32ToF16 } from "../../../src/blocks/f16.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { verdictOf } from "../../../src/oracle/compare/verdict.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import { openArrays } from "../../../src/oracle/recorded/open-arrays.ts";
import type { RecordedPoint, RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { openFile } from "../../../src/sources/disk.ts";
import { golden, load, open } from "../../model/run.ts";
import { recordRun } from "../memory-run.ts";
import { causesOf } from "./mistake-causes.ts";

interface Recording {
  readonly file: string;
  readonly model: string;
  readonly mistake: string;
  readonly ids: readonly number[];
}

const MODEL = "moe-small";
const all: Recording[] = JSON.parse(readFileSync(golden("mistakes/mistakes.json"), "utf8"));
/** One of each operation, and none. */
const SAMPLE = [
  ...["softmax-router", "no-normalization", "no-bias", "one-expert-fewer", "c-before-b", "flipped-taps", "state-lost"],
  ...[
    "neighbours-rotated",
    "rope-before-norm",
    "no-q-k-norm",
    "heads-modulo",
    "w1-w3-exchanged",
    "no-final-norm",
    "none",
  ],
];
const recordings = all.filter(({ model, mistake }) => model === MODEL && SAMPLE.includes(mistake));

const bits = new DataView(new ArrayBuffer(4));
/** To nearest, of two the even one. */
function toBf16(value: number): number {
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  bits.setUint32(0, (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000);
  return bits.getFloat32(0);
}

function rounded(run: RecordedRun, round: (value: number) => number): RecordedRun {
  const points = [...run.points].map(([name, point]): [string, RecordedPoint] => [
    name,
    point.kind === "ids"
      ? point
      : { ...point, read: async (from, count) => ((await point.read(from, count)) as Float32Array).map(round) },
  ]);
  return { ...run, points: new Map(points) };
}

const kept = [
  ["bf16", toBf16],
  ["f16", (value: number) => f16ToF32(f32ToF16(value))],
] as const;

describe.each(kept)("--precision %s", (precision, round) => {
  it("names mistakes in what is kept so, none of them wrongly, and clears none; of none it says which rounding", async () => {
    const checkpoint = await open(`transformers/${MODEL}`);
    const { model, sequences } = await load(checkpoint, { backend: "wasm", mode: "exact" });
    const about = { config: checkpoint.config, backend: "wasm", mode: "exact", kvType: "f32" };
    const again = await open(`transformers/${MODEL}`);
    const weights = modelWeights(again);
    const found: [mistake: string, cause: string | undefined][] = [];
    for (const { file, ids, mistake } of recordings) {
      const clean = recordRun(model, sequences[0], Int32Array.from(ids), { about });
      const theirs = await openArrays(await openFile(golden(`mistakes/${file}`)));
      const comparison = await compareRuns(clean, rounded(theirs, round), { precision });
      const verdict = verdictOf(comparison, await diagnose(comparison, weights));
      await theirs.close();
      if (mistake === "none") {
        expect(verdict.is).toBe("rounding");
        continue;
      }
      expect([mistake, verdict.is]).toEqual([mistake, "different"]);
      if (verdict.is === "different") found.push([mistake, verdict.cause?.cause]);
    }
    await Promise.all(again.files.map((file) => file.close()));
    expect(found.map(([mistake]) => mistake).sort()).toEqual(SAMPLE.filter((mistake) => mistake !== "none").sort());
    const wrong = found.filter(([mistake, cause]) => cause !== undefined && !causesOf[mistake].includes(cause));
    expect(wrong).toEqual([]);
    expect(found.filter(([, cause]) => cause !== undefined).length / found.length).toBeGreaterThan(0.9);
  });
});
