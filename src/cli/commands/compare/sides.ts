// The side of a comparison that is made here, and a server's.
import { paddingBefore } from "../../../oracle/recorded/padding.ts";
import { HEAD } from "../../../oracle/recorded/point-names.ts";
import type { RecordedRun } from "../../../oracle/recorded/recorded-run.ts";
import { servedRun } from "../../../oracle/served/served-run.ts";
import { UsageError } from "../../exit.ts";
import { openModel } from "../../files/open-model.ts";
import { recordOwnRun } from "../../files/own-run.ts";
import { askServer, recordedLikewise, servedAndOwn } from "../../files/served-side.ts";
import type { ModelFlags } from "../../options/model-options.ts";
import { computationLine } from "../../terminal/settings-line.ts";
import { note } from "../../terminal/terminal.ts";

export interface SideFlags extends ModelFlags {
  readonly ids?: number[];
}

/** A server's answer, and what it is held against: a recording, or the model's own run. */
export async function servedRuns(
  address: string,
  recorded: RecordedRun | undefined,
  flags: SideFlags,
  asked: Parameters<typeof servedAndOwn>[3],
): Promise<readonly [RecordedRun, RecordedRun]> {
  const ids = flags.ids ?? recorded?.ids;
  if (ids === undefined || (recorded === undefined && flags.model === undefined)) {
    const [expected, found] = ids === undefined ? ["--ids beside it", "none"] : ["A or -m MODEL beside it", "neither"];
    throw new UsageError({
      subject: address,
      expected,
      found,
      remedy: "Try: lfm2 compare -m MODEL ADDRESS --ids 1,2,3",
    });
  }
  if (recorded !== undefined) {
    const vocabSize = recorded.points.get(HEAD)?.cols ?? 0;
    const server = await askServer(address, vocabSize, () => undefined, asked);
    const served = await servedRun(server, ids, vocabSize);
    return [await recordedLikewise(recorded, served), served];
  }
  const opened = await openModel({ mode: "exact", ...flags }, asked.signal);
  try {
    note(computationLine(opened.model.settings));
    return await servedAndOwn(address, opened, ids, asked);
  } finally {
    await opened.model.close();
  }
}

/** A, where there is only B: the model's own run of the same ids. */
export async function ownRun(
  b: RecordedRun,
  flags: SideFlags,
  opened: { close(): Promise<void> }[],
  signal: AbortSignal,
): Promise<RecordedRun> {
  if (flags.model === undefined) {
    throw new UsageError({
      subject: "compare",
      expected: "A and B, or -m MODEL and B",
      found: "one path",
      remedy: "Try: lfm2 compare -m MODEL B",
    });
  }
  const stated = flags.ids ?? b.ids;
  if (stated === undefined) {
    throw new UsageError({
      subject: b.name,
      expected: "input_ids beside its tensors",
      found: "none",
      remedy: "Give them with --ids 1,2,3.",
    });
  }
  const model = await openModel({ mode: "exact", ...flags }, signal);
  try {
    note(computationLine(model.model.settings));
    const pad = model.model.checkpoint.config.pad_token_id;
    const ids = stated.slice(paddingBefore(stated, pad));
    if (ids.length < stated.length)
      note(`${stated.length - ids.length} times pad_token_id ${pad} before the text: left out.`);
    const recorded = await recordOwnRun(model, ids, (name) => b.points.has(name), signal);
    opened.push(recorded);
    return recorded;
  } finally {
    await model.model.close();
  }
}
