import { describe, expect, it } from "vitest";
import { describeCapabilities, whyNoStorage, whyNoThreads } from "../../src/capabilities/capabilities.ts";
import { capabilities, open } from "../../src/index.ts";

const page = { isSecureContext: true, crossOriginIsolated: true, hasSharedArrayBuffer: true };
const found = {
  machine: { cores: 4, sharedMemory: true, builds: ["relaxed", "baseline"] as const },
  noThreads: undefined,
  noStorage: undefined,
  hardwareThreads: 8,
  memoryBytes: undefined,
  hasWebAssembly: true,
  hasSimd: true,
};

describe("capabilities", () => {
  it("are those that a model uses, in Node", async () => {
    const { uses, threads, storage, simd } = await capabilities();
    const model = await open();
    const { kernels, threads: count } = model.settings;
    await model.close();
    expect(uses).toEqual({ kernels, threads: count });
    expect([threads, storage, simd]).toEqual(Array(3).fill({ available: true }));
  });

  it("use one thread where memory cannot be shared, and say how to get more", () => {
    const noThreads = whyNoThreads({ ...page, crossOriginIsolated: false });
    const machine = { ...found.machine, sharedMemory: false };
    const { uses, threads } = describeCapabilities({ ...found, machine, noThreads });
    expect(uses).toEqual({ kernels: "relaxed", threads: 1 });
    expect(threads).toEqual({
      available: false,
      unavailable: expect.stringMatching(/Opener-Policy: same-origin.*Embedder-Policy: require-corp/),
    });
  });

  it.each([
    [{ ...page, isSecureContext: false }, /https:/],
    [{ ...page, hasSharedArrayBuffer: false }, /JSC_useSharedArrayBuffer=1/],
  ])("name what a page lacks for threads: %o", (facts, reason) => {
    expect(whyNoThreads(facts)).toMatch(reason);
  });

  it("repeat what a browser says where it keeps no files", () => {
    expect(whyNoStorage(page, "SecurityError")).toContain("(SecurityError)");
  });

  it("use nothing where there is no SIMD", () => {
    const { uses, simd } = describeCapabilities({ ...found, hasSimd: false });
    expect(uses).toBeUndefined();
    expect(simd).toEqual({ available: false, unavailable: expect.stringContaining("Safari 16.4") });
  });
});
