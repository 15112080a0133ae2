import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { floatGolden, nanoQ8 } from "./float-goldens.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

// Of the files that gguf-py 0.19.0 wrote.
const written = {
  F32: "0a9598d175a79e1c652687d2d1bf9d42e368f9b5b42aa9c23055a4cdc75b826f",
  F16: "1bacf083927412db35f019a3a38f2af74869543fc8311ae613cb150007089ae8",
  BF16: "c2a47b6bbda96949b10b08f06f0bc72affca7c330f741fae6fa7ad53f14a5f9e",
  nano: "27a5baab6c3e8445bff34acd72dbd27559f4c8c1f2f2953c2814742ae37afcd9",
};

describe("names, metadata, F32, F16, BF16 and Q8_0 encoders and the test's GGUF writer, together", () => {
  for (const format of ["F32", "F16", "BF16"] as const) {
    it(`make the bytes of gguf-py's ${format}.gguf from the safetensors weights`, async () => {
      expect(sha256(await floatGolden(format))).toBe(written[format]);
    });
  }

  it("make the bytes of gguf-py's lfm2-nano-Q8_0.gguf from the safetensors weights", async () => {
    expect(sha256(await nanoQ8())).toBe(written.nano);
  });
});
