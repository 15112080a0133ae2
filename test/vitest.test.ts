// The matchers that others use, as others use them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../src/formats/hf/safetensors.ts";
import "../src/vitest.ts";
import { golden, goldenTensors } from "./model/run.ts";

const messageOf = (assertion: () => void): string => {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

describe("toBeCloseToTensor", () => {
  it("takes tensors as programs hold them: arrays of any kind, with a shape or nested", () => {
    const expected = [
      [1, 2],
      [3, 4],
    ];
    for (const same of [
      Float32Array.of(1, 2, 3, 4),
      [1, 2, 3, 4],
      expected,
      { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      { data: BigInt64Array.of(1n, 2n, 3n, 4n), dims: [2, 2] },
    ]) {
      expect(same).toBeCloseToTensor(expected);
      expect(expected).toBeCloseToTensor(same);
    }
  });

  it("allows what torch.testing.assert_close allows float32, or what it is told", () => {
    expect([100 + 1.39e-4]).toBeCloseToTensor([100]);
    expect([100 + 1.41e-4]).not.toBeCloseToTensor([100]);
    expect([1.5]).toBeCloseToTensor([1], { atol: 0.5 });
    expect([1.5]).toBeCloseToTensor([1], { rtol: 0.5 });
    expect([1.6]).not.toBeCloseToTensor([1], { rtol: 0.5 });
    expect([1.6]).not.toBeCloseToTensor([1], { rtol: undefined });
    expect([Number.NaN]).not.toBeCloseToTensor([Number.NaN]);
    expect([Number.POSITIVE_INFINITY]).toBeCloseToTensor([Number.POSITIVE_INFINITY]);
  });

  it("fails with count, ratio, and the worst of each kind with its index", () => {
    const found = messageOf(() => expect([1, 2, 3.5, 4]).toBeCloseToTensor({ data: [1, 2, 3, 4], shape: [2, 2] }));
    expect(found).toBe(
      [
        "Tensor-likes are not close!",
        "",
        "Mismatched elements: 1 / 4 (25.0%)",
        "Greatest absolute difference: 0.5 at index (1, 0) (up to 1e-5 allowed)",
        "Greatest relative difference: 0.1667 at index (1, 0) (up to 1.3e-6 allowed)",
      ].join("\n"),
    );
    expect(messageOf(() => expect([1]).not.toBeCloseToTensor([1]))).toContain("found all 1 elements within tolerance");
  });

  it("refuses another shape, and what is no tensor", () => {
    const wide = { data: [1, 2, 3, 4], shape: [1, 4] };
    expect(
      messageOf(() =>
        expect(wide).toBeCloseToTensor([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toBe("expected a tensor of shape [2, 2], found [1, 4]");
    expect(messageOf(() => expect([1, 2]).toBeCloseToTensor([1]))).toContain(
      "expected a tensor of shape [1], found [2]",
    );
    for (const none of [{ data: [1, 2], shape: [3] }, [[1, 2], [3]], "12", null, ["1"]]) {
      expect(() => expect(none).toBeCloseToTensor([1, 2])).toThrow(TypeError);
    }
  });
});

describe("toMatchGolden", () => {
  const folder = golden("transformers/moe-small");
  const one = { case: "len17" };
  const theirs = async () => {
    const tensors = await goldenTensors("transformers/moe-small/len17.safetensors");
    const logits = tensors.get("logits");
    const layer = tensors.get("model.layers.3");
    if (logits === undefined || layer === undefined) throw new Error("the golden has changed");
    return { tensors, logits, layer };
  };

  it("takes a record or a map of tensors under the golden's names, some or all, by path or URL", async () => {
    const { tensors, logits, layer } = await theirs();
    await expect({ lm_head: logits.data, "model.layers.3": layer }).toMatchGolden(folder, one);
    await expect(new Map([["lm_head", logits]])).toMatchGolden(pathToFileURL(`${folder}/`), one);
    const batch = { data: logits.data, dims: [1, 17, 320] };
    await expect({ lm_head: batch }).toMatchGolden(folder, one);
    // As model.logits() gives it.
    await expect({ lm_head: { data: logits.data, rows: 17, cols: 320 } }).toMatchGolden(folder, one);
    const all = [...tensors].filter(([name]) => name.startsWith("model."));
    await expect(Object.fromEntries(all)).toMatchGolden(folder, one);
  });

  it("fails with every tensor that is off, and why no more is allowed", async () => {
    const { logits, layer } = await theirs();
    const off = Float32Array.from(layer.data);
    off[3 * 64 + 2] += 1;
    const matching = expect({ lm_head: logits.data, "model.layers.3": off }).toMatchGolden(folder, one);
    await expect(matching).rejects.toThrow(
      /^1 of 2 tensors are not those of the golden .*moe-small\n\nmodel\.layers\.3 \[17, 64\]: not close \(transformers itself differs by 1e-5 .*\)\nMismatched elements: 1 \/ 1088 \(0\.1%\)\nGreatest absolute difference: 1 at index \(3, 2\) \(up to [\d.e-]+ allowed\)\n/,
    );
    await expect({ "model.layers.3": off }).not.toMatchGolden(folder, one);
  });

  it("refuses what it cannot read by the tensor's name, with what it reads", async () => {
    const reads = "a typed array, { data, shape }, { data, dims }, { data, rows, cols }, or lists of numbers";
    const cases: readonly [value: unknown, found: string][] = [
      [undefined, "undefined"],
      [null, "null"],
      ["1,2", "string"],
      [new Map(), "a Map"],
      [Promise.resolve([1]), "a Promise; await it"],
      [{ values: [1], size: 1 }, "{ values, size }"],
      [[{}], "a list of {  }"],
      [{ data: [1, 2], shape: "2" }, "{ data, shape } without a shape"],
      [{ data: [1, 2] }, "{ data } without a shape"],
    ];
    for (const [value, found] of cases) {
      const matching = expect({ "model.layers.3": value as number[] }).toMatchGolden(folder, one);
      await expect(matching).rejects.toThrow(`model.layers.3: expected ${reads}, found ${found}.`);
    }
    const { logits } = await theirs();
    const more = { data: [...logits.data, 0], rows: 17, cols: 320 };
    await expect(expect({ lm_head: more }).toMatchGolden(folder, one)).rejects.toThrow(
      "lm_head: expected 5440 numbers",
    );
    const longer = expect({ lm_head: [...logits.data, 0] }).toMatchGolden(folder, one);
    await expect(longer).rejects.toThrow("lm_head [17, 320]: expected a tensor of this shape, found [1, 5441]");
  });

  it("fails when points that were asked for are not there, a shape is another, or nothing was given", async () => {
    const { logits } = await theirs();
    const points = { ...one, points: ["lm_head", "model.layers.*"] };
    await expect(expect({ lm_head: logits.data }).toMatchGolden(folder, points)).rejects.toThrow(
      "6 of 7 tensors are not those of the golden",
    );
    const short = expect({ lm_head: logits.data.subarray(0, 320) }).toMatchGolden(folder, one);
    await expect(short).rejects.toThrow("lm_head [17, 320]: expected a tensor of this shape, found [1, 320]");
    await expect(expect({}).toMatchGolden(folder, one)).rejects.toThrow("received tensors: expected at least one");
    await expect(expect({ logit: logits.data }).toMatchGolden(folder, one)).rejects.toThrow(
      /^logit: expected a point of the golden .*, found none\. Near it: lm_head, /,
    );
    await expect(expect({ lm_head: logits.data }).toMatchGolden(folder)).rejects.toThrow(
      "Cases: len1, len2, len3, len17, len64.",
    );
  });

  const own = mkdtempSync(join(tmpdir(), "lfm2-vitest-"));
  afterAll(() => rmSync(own, { recursive: true }));

  it("takes a golden written by hand, one case needing no name, with the first tolerance that fits", async () => {
    const data = Float32Array.of(1, 2, 3, 4);
    writeFileSync(
      join(own, "own.safetensors"),
      writeSafetensors(new Map(["a", "b", "c"].map((name) => [name, { dtype: "F32", shape: [2, 2], data }]))),
    );
    const golden = {
      format: "lfm2-golden",
      version: 1,
      made: { by: "hand" },
      cases: [{ file: "own.safetensors", ids: [1, 2] }],
      tolerances: [
        { points: "a", atol: 0.5, rtol: 0, reason: "a is rough" },
        { points: "c", atol: 0.125, rtol: 0, ofLargest: true, reason: "c is large in places" },
        { points: "**", atol: 0, rtol: 0.125, reason: "b is relative" },
      ],
    };
    writeFileSync(join(own, "golden.json"), JSON.stringify(golden));
    const moved = (by: number) => data.map((value) => value + by);
    await expect({ a: moved(0.5), b: data.map((value) => value * 1.125) }).toMatchGolden(own);
    await expect({ a: moved(0.5625) }).not.toMatchGolden(own);
    await expect({ b: moved(0.25) }).not.toMatchGolden(own);
    await expect({ c: moved(0.5) }).toMatchGolden(own);
    await expect({ c: moved(0.5625) }).not.toMatchGolden(own);
  });
});
