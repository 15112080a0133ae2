// transformers' replays of session scenarios: right ones, ones with a fault, which has to be named, and one that is no fault of sessions.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { openFile } from "../../../src/sources/disk.ts";
import { golden } from "../../model/run.ts";
import { openSessions, type RecordedSessions, recorded } from "./recorded.ts";

const MODELS = ["plain", "stretched"];

describe.each(MODELS)("replays of golden/sessions/%s by transformers", (model) => {
  let sessions: RecordedSessions;
  beforeAll(async () => {
    sessions = await openSessions(model);
  });
  const files = recorded.filter((one) => one.model === model);
  const fileOf = (fault: string): string => `${model}/${fault}.safetensors`;

  it("are equal where nothing is wrong", async () => {
    expect(await sessions.judge(fileOf("none"))).toEqual({ verdict: "equal", findings: [], remarks: [] });
  });

  it.each([
    "another-sequence",
    "slot-not-zeroed",
    "not-rolled-back",
    "lost-on-hit",
    "lost-on-restore",
    "offset-not-advanced",
    "padding-not-masked",
    "neighbour-length",
  ])("have their fault named, and no other, in every scenario that it shows in: %s", async (fault) => {
    const { verdict, findings } = await sessions.judge(fileOf(fault));
    expect(verdict).toBe("session fault");
    expect(findings.map(({ scenario }) => scenario).sort()).toEqual(files.find((one) => one.fault === fault)?.wrong);
    for (const { faults } of findings) expect(faults.map((named) => named.fault)).toEqual([fault]);
  });

  it("have a state that all share named in scenarios of two", async () => {
    const { verdict, findings } = await sessions.judge(fileOf("shared-state"));
    expect(verdict).toBe("session fault");
    const named = findings.map(({ scenario, faults }) => [scenario, ...faults.map(({ fault }) => fault)]);
    // A guess, too, has then been read by all.
    const others = ["interleaved", "left", "hit", "restored"].map((scenario) => [scenario, "another-sequence"]);
    expect(named.sort()).toEqual([...others, ["rejected"]].sort());
  });

  it("have the place of a fault that has no name told, and what had just happened", async () => {
    const { verdict, findings, remarks } = await sessions.judge(fileOf("halved-after-rewind"));
    expect(verdict).toBe("session fault");
    expect(findings).toMatchObject([{ scenario: "rejected", action: 3, sequence: "a", faults: [] }]);
    expect(findings[0].says[1]).toBe("It was rewound to 6 ids just before, 3 ids having been rejected.");
    expect(remarks).toEqual([
      "The same ids alone agree.",
      "Where no fault is named, none of those that are known gives these logits.",
    ]);
  });

  it("do not have an error called a session's that a sequence by itself has", async () => {
    const { verdict, findings } = await sessions.judge(fileOf("wrong-gain"));
    expect(verdict).toBe("different");
    expect(findings).toMatchObject([{ scenario: "alone", action: 0, sequence: "s0", faults: [] }]);
  });
});

it("the replay in the docs is the one that was recorded", async () => {
  const docs = readFileSync(golden("../docs/oracle.md"), "utf8");
  for (const model of MODELS) {
    const file = await openFile(golden(`sessions/${model}/none.safetensors`));
    const { metadata } = await readSafetensors(file);
    await file.close();
    expect(docs).toContain(`\`\`\`python\n${metadata.get("recipe")}\`\`\``);
  }
});
