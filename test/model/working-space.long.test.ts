// The working space that is planned at load, under every order of steps.
import { describe, expect, it } from "vitest";
import { eachLogits, prefill } from "../../src/engine/engine.ts";
import { restart } from "../../src/engine/sequence.ts";
import { createEngine, type LoadContext, loadModel } from "../../src/load/load.ts";
import type { Kernels } from "../../src/wasm/compiled.ts";
import { context } from "../ops/harness.ts";
import { fullShape } from "./full-shape.ts";

describe("the working space", () => {
  it("suffices for any order of steps, logits and steps given up, at the full shape", async () => {
    const { config, tensors } = fullShape();
    const done = async () => {};
    const descriptor = { kind: "blob", name: "", blob: new Blob() } as const;
    const bare = { size: 0, name: "", descriptor, verify: done, close: done };
    const files = [{ ...bare, read: async (_: number, length: number) => new Uint8Array(length) }];
    // Kernels that do nothing: only where results are put is at stake.
    const nothing = new Proxy({} as Kernels, { get: () => () => -1 });
    const startRuntime: LoadContext["startRuntime"] = async (build, threads) => ({
      ...(await context.startRuntime(build, threads)),
      instantiate: () => nothing,
    });
    for (const contextLength of [3, 8, 24, 600]) {
      for (const mode of ["int8", "exact"] as const) {
        const loaded = await loadModel(
          { config, tensors, files },
          { contextLength, mode },
          { ...context, startRuntime },
        );
        const engine = createEngine(loaded);
        for (const stopAt of [1, 3, 12, 24, 79, 84, 95, undefined]) {
          const anew = () => {
            restart(engine.model, engine.sequence);
            return { ...engine, msPerPosition: undefined };
          };
          let layer = 0;
          const check = (): void => {
            if (++layer === stopAt) throw new DOMException("given up", "AbortError");
          };
          const ids = Array.from({ length: contextLength }, () => 1);
          const pace = { pause: async () => {}, check };
          await prefill(anew(), ids, pace).catch((error) => expect(error.name).toBe("AbortError"));
          const patient = { pause: async () => {}, check: undefined };
          await prefill(anew(), ids, patient);
          await eachLogits(anew(), ids, patient, () => {});
          await prefill(anew(), ids, patient);
        }
      }
    }
  });
});
