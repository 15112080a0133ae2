// A model that changes on disk, or wherever it is, while it is being opened or rewritten.
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Host, openOn } from "../../src/api/open.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { streamTensors } from "../../src/formats/stream-tensors.ts";
import { nodeHost } from "../../src/index.ts";
import { hashModel } from "../../src/oracle/trace/model-hash.ts";
import { hashOf } from "../../src/oracle/trace/write-trace.ts";
import { convertToHf } from "../../src/quantize/convert.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { golden, open } from "../model/run.ts";

let folder: string;
let path: string;
let model: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lfm2-changed-"));
  path = join(folder, "model.gguf");
  model = await readFile(golden("gguf/Q2_K.gguf"));
});
afterAll(() => rm(folder, { recursive: true }));

const REPLACED = /model\.gguf: expected the file that was opened \(.+\), found another \(.+\)\. It has been replaced/;

describe("a model on disk", () => {
  const changes: [string, () => Promise<void>][] = [
    ["written to", () => writeFile(path, model)],
    ["replaced", () => writeFile(`${path}.new`, model).then(() => rename(`${path}.new`, path))],
  ];
  it.each(changes)("that is %s between its header and its weights does not open", async (_, change) => {
    await writeFile(path, model);
    // Timestamps may be as coarse as a few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { startWorker: start, ...others } = nodeHost;
    const host: Host = {
      ...others,
      // The thread is started once the header has been read, and asked once the file has changed.
      startWorker() {
        const changing = change();
        const port = start();
        return { ...port, post: (message, transfer) => void changing.then(() => port.post(message, transfer)) };
      },
    };
    const error = await openOn(host, path).catch((found: Error) => found);
    expect(error).toMatchObject({ name: "SourceError", message: expect.stringMatching(REPLACED) });
  });

  it("has no hash but its own", async () => {
    await writeFile(path, model);
    const opened = await openOn(nodeHost, path, { threads: 1, contextLength: 16 });
    await hashOf(opened as never);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(path, model);
    await expect(hashOf(opened as never)).rejects.toThrow(REPLACED);
    await opened.close();
  });
});

describe("whoever reads a whole model", () => {
  const changed = new SourceError({ subject: "file", expected: "the same", found: "another" });
  const readers: [string, (checkpoint: Checkpoint) => Promise<unknown>][] = [
    ["loading", ({ files }) => streamTensors(files, [])],
    ["quantizing", (checkpoint) => quantize(checkpoint, async () => {}, { type: "Q8_0", name: "x" })],
    ["converting", (checkpoint) => convertToHf(checkpoint, (_, write) => write(async () => {}), { format: "BF16" })],
    ["hashing", ({ files }) => hashModel(files)],
  ];
  it.each(readers)("asks at its end whether it was one: %s", async (_, read) => {
    const checkpoint = await open("transformers/dense-small");
    const files = checkpoint.files.map((file) => ({ ...file, verify: () => Promise.reject(changed) }));
    await read(checkpoint);
    await expect(read({ ...checkpoint, files })).rejects.toBe(changed);
    await Promise.all(checkpoint.files.map((file) => file.close()));
  });
});
