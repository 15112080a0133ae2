// The working space that is planned is enough for every step there may be; banks end at whole pages, which hides a lack of
// a few kilobytes, so it is counted.
import { describe, expect, it } from "vitest";
import { advance, createSequence, pagesFor } from "../../src/engine/sequence.ts";
import { assemble } from "../../src/load/assemble.ts";
import { backendRequest } from "../../src/load/backend-request.ts";
import { findWeights } from "../../src/load/find-weights.ts";
import { longestStep, type Room } from "../../src/load/room.ts";
import { fillSettings } from "../../src/load/settings.ts";
import { readConfig } from "../../src/model/config.ts";
import { PAGE } from "../../src/ops/ops.ts";
import { planWasmBanks } from "../../src/wasm/backend.ts";
import { closeAll } from "../formats/golden-files.ts";
import { open } from "../model/run.ts";
import { context } from "../ops/harness.ts";

describe("the working space", () => {
  it.each([1, 2, 4, 9])("is enough for every number of sequences in a step, of %i", async (sequences) => {
    const checkpoint = await open("transformers/moe-wide-heads");
    await closeAll(checkpoint);
    const config = readConfig(checkpoint.config);
    for (const contextLength of [2, 31, 200, 500]) {
      const settings = fillSettings(config, { contextLength, threads: 1 }, context.machine);
      const { found } = findWeights(config, checkpoint.tensors, undefined);
      for (const contexts of [1, Math.min(2, sequences), sequences]) {
        const room: Room = { sequences, positions: contexts * pagesFor(contextLength) * PAGE };
        const request = backendRequest(config, found, settings, room);
        const { workBytes } = planWasmBanks(request);
        for (let running = 1; running <= sequences; running++) {
          const longest = Math.min(longestStep(contextLength, room), contextLength * running);
          if (longest < running) continue;
          const needed = planWasmBanks({
            ...request,
            rehearse(backend) {
              const { model, slots } = assemble(config, contextLength, room, backend);
              const pages = Array.from({ length: pagesFor(contextLength) }, () => 0);
              let left = longest;
              const chunks = slots.slice(0, running).map((layers, i) => {
                const length = Math.min(contextLength, left - (running - 1 - i));
                left -= length;
                return { sequence: createSequence(layers, contextLength, pages), ids: new Int32Array(length) };
              });
              advance(model, chunks);
            },
          });
          expect(
            needed.workBytes,
            `${running} of ${sequences}, context ${contextLength}, ${contexts} contexts`,
          ).toBeLessThanOrEqual(workBytes);
        }
      }
    }
  });
});
