// Memory is compared with what the machine has before a weight is read.
import { describe, expect, it } from "vitest";
import { describeError } from "../../src/cli/exit.ts";
import { inFlags } from "../../src/cli/options/flag-names.ts";
import { aboutFlags } from "../../src/cli/options/option-values.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { checkMemory, planMemory } from "../../src/load/plan-memory.ts";
import { MemoryError } from "../../src/wasm/bank.ts";
import { freeMemory } from "../../src/worker/free-memory.ts";
import { closeAll } from "../formats/golden-files.ts";
import { open } from "../model/run.ts";
import { context } from "../ops/harness.ts";

const LOADING = 100_000_000;

async function unreadable(): Promise<Checkpoint> {
  const checkpoint = await open("transformers/moe-wide-heads");
  await closeAll(checkpoint);
  const read = () => Promise.reject(new Error("a weight was read"));
  return {
    ...checkpoint,
    files: checkpoint.files.map((file) => ({ ...file, name: file.name, size: file.size, read })),
  };
}

async function loading(bytes: number, options: ModelOptions): Promise<unknown> {
  const machine = { ...context.machine, memory: { bytes, what: "free memory of this machine" } };
  return loadModel(await unreadable(), options, { ...context, machine }).catch((error: unknown) => error);
}

describe("a model that needs more than the machine has", () => {
  it("is refused before a byte of it is read, with the options that would fit", async () => {
    const checkpoint = await unreadable();
    const plan = (options: ModelOptions) =>
      planMemory(checkpoint, options, context.machine).banks.reduce((sum, bank) => sum + bank.bytes, 0);
    const whole = plan({});
    const error = (await loading(LOADING + whole - 1, {})) as Error;
    expect(error.name).toBe("MemoryError");
    expect(error.message).toMatch(
      /^model: expected to need at most 0\.12 GB, the free memory of this machine, found 0\.12/,
    );
    // All of these have smaller plans, and none of the other contexts is below the model's own 512.
    for (const options of [{ kvType: "int8" }, { quantize: "Q8_0" }, { quantize: "Q4_0" }] as const) {
      expect(plan(options)).toBeLessThan(whole);
    }
    expect(error.message).toMatch(
      /Less would do with kvType int8 \(.*\) or quantize Q8_0 \(.*\) or quantize Q4_0 \(.*\); or/,
    );
    expect(error.message).toMatch(/try all the same with ignoreMemory\.$/);
    const none = (await loading(1000, {})) as Error;
    expect(none.message).toMatch(/Take a smaller model or file; or try all the same/);
  });

  it("is offered the longest context that fits, also where a longer one all but does", async () => {
    const checkpoint = await open("nano/hf");
    await closeAll(checkpoint);
    const bytesWith = (contextLength: number) =>
      planMemory(checkpoint, { contextLength }, context.machine).banks.reduce((sum, bank) => sum + bank.bytes, 0);
    const memory = { bytes: LOADING + bytesWith(2048) - 1, what: "free memory of this machine" };
    const machine = { ...context.machine, memory };
    expect(() => checkMemory(checkpoint, { contextLength: 4096 }, machine)).toThrow(
      /Less would do with contextLength 512 \(/,
    );
  });

  it("is loaded where it just fits, where nobody knows, and where that is asked for", async () => {
    const read = expect.objectContaining({ message: "a weight was read" });
    const checkpoint = await unreadable();
    const whole = planMemory(checkpoint, {}, context.machine).banks.reduce((sum, bank) => sum + bank.bytes, 0);
    expect(await loading(LOADING + whole, {})).toEqual(read);
    expect(await loading(1000, { ignoreMemory: true })).toEqual(read);
    expect(await loadModel(checkpoint, {}, context).catch((error: unknown) => error)).toEqual(read);
  });
});

it("is told on the command line in the names of its flags", async () => {
  const error = await loading(1000, { contextLength: 512 });
  expect(aboutFlags(error)).toBe(error); // no usage is at fault
  expect((error as Error).name).toBe("MemoryError");
  expect(describeError(error)).toMatch(/or try all the same with --ignore-memory\.$/);
  const remedy = "Less would do with contextLength 4096 (1.00 GB) or kvType int8 or quantize Q8_0 or quantize Q4_0.";
  const options = ["contextLength", "kvType", "quantize", "quantize"];
  const smaller = new MemoryError({ subject: "model", expected: "less", found: "more", remedy, options });
  expect(describeError(smaller)).toBe(
    "model: expected less, found more. " +
      "Less would do with --context 4096 (1.00 GB) or --kv-type int8 or --quantize Q8_0 or --quantize Q4_0.",
  );
  // An error that has passed through this once says the same after the second time.
  const once = inFlags(smaller);
  expect(inFlags(new MemoryError(once)).remedy).toBe(once.remedy);
});

describe("free memory", () => {
  const system = (files: Record<string, string>) => freeMemory(async (path) => files[path]);
  const meminfo = "MemTotal:       32000000 kB\nMemFree:  1000 kB\nMemAvailable:   16000000 kB\n";

  it("is what Linux calls available", async () => {
    expect(await system({ "/proc/meminfo": meminfo })).toEqual({
      bytes: 16_384_000_000,
      what: "free memory of this machine",
    });
  });

  it("is less where a control group leaves less, of either version, at any height; cached files count as free", async () => {
    const v2 = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/b/memory.max": "max\n",
      "/sys/fs/cgroup/a/b/memory.current": "5000\n",
      "/sys/fs/cgroup/a/memory.max": "8000000000\n",
      "/sys/fs/cgroup/a/memory.current": "7000000000\n",
      "/sys/fs/cgroup/a/memory.stat": "anon 1000000000\nfile 6000000000\n",
    };
    const what = "memory that its control group (a container, say) leaves";
    expect(await system(v2)).toEqual({ bytes: 7e9, what });
    const v1 = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/1\n",
      "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "4000000000\n",
      "/sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes": "3000000000\n",
      "/sys/fs/cgroup/memory/docker/1/memory.stat": "cache 10\ntotal_cache 2000000000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
    };
    expect(await system(v1)).toEqual({ bytes: 3e9, what });
  });

  it("is told of this machine", async () => {
    const { bytes } = await freeMemory();
    expect(bytes).toBeGreaterThan(1e8);
    expect(bytes).toBeLessThan(1e13);
  });
});
