// GGUF files made wrong in one place, and what is expected of every broken file.
import { expect, it } from "vitest";
import { GgufBytes } from "../../src/formats/gguf/bytes.ts";
import type { GgufValue } from "../../src/formats/gguf/value.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { type GgufOptions, type WrittenTensor, writeGguf } from "./gguf/gguf-writer.ts";
import { tinyGguf, tinyMetadata, tinyTensors } from "./tiny-model.ts";

/** What is wrong, the file, and the whole message. */
export type BrokenFile = readonly [what: string, file: Uint8Array<ArrayBuffer>, message: string];

export function withKeys(keys: Record<string, GgufValue>): Uint8Array<ArrayBuffer> {
  return writeGguf([...tinyMetadata(), ...Object.entries(keys)], tinyTensors());
}

export function changed(keys: Record<string, GgufValue | undefined>): Uint8Array<ArrayBuffer> {
  const metadata = tinyMetadata();
  for (const [key, value] of Object.entries(keys)) {
    if (value) metadata.set(key, value);
    else metadata.delete(key);
  }
  return writeGguf(metadata, tinyTensors());
}

export function withOptions(options: GgufOptions): Uint8Array<ArrayBuffer> {
  return writeGguf(tinyMetadata(), tinyTensors(), options);
}

export function withTensor(name: string, change: Partial<WrittenTensor>): Uint8Array<ArrayBuffer> {
  const tensors = tinyTensors().map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));
  return writeGguf(tinyMetadata(), tensors);
}

/** A header of one key whose content is written by hand, then 64 zero bytes. */
export function handmade(write: (out: GgufBytes) => void): Uint8Array<ArrayBuffer> {
  const out = new GgufBytes();
  out.bytes(new TextEncoder().encode("GGUF"));
  out.u32(3);
  out.u64(0);
  out.u64(1);
  write(out);
  out.bytes(new Uint8Array(64));
  return out.finish();
}

export function patched(offset: number, ...bytes: number[]): Uint8Array<ArrayBuffer> {
  const file = tinyGguf();
  file.set(bytes, offset);
  return file;
}

/** Each file is refused with exactly its message, and soon: nothing large may be read or made before the refusal. */
export function itRefuses(
  files: readonly BrokenFile[],
  open: (file: Uint8Array<ArrayBuffer>) => Promise<unknown>,
): void {
  for (const [what, file, message] of files) {
    it(`for ${what}`, async () => {
      const started = performance.now();
      const error = await open(file).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FormatError);
      expect((error as Error).message).toBe(message);
      expect(performance.now() - started).toBeLessThan(1000);
    });
  }
}
