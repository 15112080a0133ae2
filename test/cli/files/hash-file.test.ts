// The hash of a file on disk, and how it is given up.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sha256OfFile } from "../../../src/cli/files/hash-file.ts";
import { golden } from "../lfm2.ts";

const file = `${golden}nano/lfm2-nano-Q4_0.gguf`;

it("is that of the bytes, with progress to the last", async () => {
  const bytes = readFileSync(file);
  let done = 0;
  const hash = await sha256OfFile(file, new AbortController().signal, (read) => {
    done = read;
  });
  expect([hash, done]).toEqual([createHash("sha256").update(bytes).digest("hex"), bytes.length]);
});

it("ends with the signal's own reason", async () => {
  const controller = new AbortController();
  const reason = new Error("Ctrl-C");
  await expect(sha256OfFile(file, controller.signal, () => controller.abort(reason))).rejects.toBe(reason);
});
