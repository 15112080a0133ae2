// What has been read of a file is given back when it has been used, not when the engine collects it.
import { afterEach, expect, it, vi } from "vitest";
import { download } from "../../src/downloads/download.ts";
import { newState } from "../../src/downloads/part-file.ts";
import { streamTensors } from "../../src/formats/stream-tensors.ts";
import { blobSource } from "../../src/sources/blob.ts";
import { readerOf } from "../../src/sources/chunk-reader.ts";
import { discard } from "../../src/sources/discard.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { openUrl } from "../../src/sources/url.ts";

// Node 20 cannot.
const inEngines = it.skipIf(!("transfer" in ArrayBuffer.prototype));
const content = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
const URL_OF_FILE = "https://host.test/file";

afterEach(() => vi.unstubAllGlobals());

/** A server's answers, whose chunks are buffers of their own. */
function chunksOfAnswers(): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  vi.stubGlobal("fetch", async (_: URL, { headers }: { headers: Record<string, string> }) => {
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.Range) as RegExpExecArray;
    const parts = [0, 1].map((half) => {
      const middle = (Number(first) + Number(last) + 1) >> 1;
      return half === 0 ? content.slice(Number(first), middle) : content.slice(middle, Number(last) + 1);
    });
    chunks.push(...parts);
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        controller.close();
      },
    });
    const range = `bytes ${first}-${last}/${content.length}`;
    return new Response(body, { status: 206, headers: { "Content-Range": range, ETag: '"one"' } });
  });
  return chunks;
}

it("reads every chunk of a stream of bytes to one buffer, where the next may lie", async () => {
  let at = 0;
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      controller.enqueue(content.slice(at, at + 1000));
      at += 1000;
      if (at === content.length) controller.close();
    },
  });
  const reader = readerOf(body);
  const rooms = new Set<number>();
  let first: Uint8Array | undefined;
  const read: number[] = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    first ??= value;
    rooms.add(value.buffer.byteLength);
    read.push(...value);
    reader.used(value);
  }
  expect(Uint8Array.from(read)).toEqual(content);
  expect([rooms.size, first?.byteLength]).toEqual([1, 0]); // the first was handed back
});

inEngines("chunks of an answer that were read to where they belong", async () => {
  const chunks = chunksOfAnswers();
  const source = await openUrl(URL_OF_FILE);
  chunks.length = 0;
  expect(await source.read(100, 1000)).toEqual(content.slice(100, 1100));
  expect(chunks.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0]);
});

inEngines("chunks of a download that were written", async () => {
  const chunks = chunksOfAnswers();
  const bytes = new Uint8Array(content.length);
  const remote = {
    name: "file",
    url: new URL(URL_OF_FILE),
    size: content.length,
    network: {},
    check() {},
    refused: () => new SourceError({ subject: "file", expected: "206", found: "another" }),
  };
  const write = async (offset: number, piece: Uint8Array): Promise<void> => bytes.set(piece, offset);
  const options = { connections: 2, save: async () => {}, saveMs: 1e9 };
  await download(remote, { write }, newState(content.length, "one", 2000), options);
  expect(bytes).toEqual(content);
  expect(chunks).toHaveLength(6);
  expect(chunks.every(({ buffer }) => buffer.byteLength === 0)).toBe(true);
});

inEngines("pieces of a tensor that were delivered", async () => {
  const tensor = { name: "t", format: "F32", shape: [], parts: [{ file: 0, offset: 0, bytes: 5000 }] } as const;
  const pieces: Uint8Array[] = [];
  const write = (at: number, bytes: Uint8Array): void => {
    expect(bytes).toEqual(content.slice(at, at + bytes.length));
    pieces.push(bytes);
  };
  await streamTensors([blobSource("file", content)], [{ tensor, write }], { pieceBytes: 2000 });
  expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0, 0]);
});

it("leaves alone a part of something larger, and shared memory", () => {
  const whole = new Uint8Array(10);
  discard(whole.subarray(1));
  expect(whole).toHaveLength(10);
  const shared = new Uint8Array(new SharedArrayBuffer(10));
  discard(shared);
  expect(shared).toHaveLength(10);
});
