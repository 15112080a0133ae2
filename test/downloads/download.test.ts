// What the state of a download says to be there is there, however its answers cross.
import { expect, it } from "vitest";
import { download } from "../../src/downloads/download.ts";
import { newState } from "../../src/downloads/part-file.ts";
import type { Remote } from "../../src/downloads/route.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { says, sends, serveScript } from "../sources/scripted-server.ts";

const PART = 100_000;
const file = Uint8Array.from({ length: 3 * PART }, (_, i) => 1 + (i % 251));

it("a server that forgets ranges while a slow disk takes in another part, and then breaks off", async () => {
  const server = await serveScript((asked, response) => {
    if (asked.begin === 0 && asked.end === PART) return sends(file)(asked, response);
    if (asked.begin === PART) {
      // The beginning of a part, and no more of it.
      const end = 2 * PART;
      response.writeHead(206, { "Content-Range": `bytes ${PART}-${end - 1}/${file.length}`, "Content-Length": PART });
      response.write(file.subarray(PART, PART + 10_000));
    } else if (asked.begin === 2 * PART) {
      setTimeout(() => {
        response.writeHead(200, { "Content-Length": file.length });
        response.write(file.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 300));
      }, 50);
    } else says(503)(asked, response);
  });
  try {
    const bytes = new Uint8Array(file.length);
    const write = async (offset: number, piece: Uint8Array): Promise<void> => {
      // What was cut off from the network is still on its way to the disk.
      if (offset === PART && piece.length <= 10_000) await new Promise((resolve) => setTimeout(resolve, 200));
      bytes.set(piece, offset);
    };
    const state = newState(file.length, "content", PART);
    const patience = { tries: 2, retryMs: 1, longestWaitMs: 10, stallMs: 5_000 };
    const refused: Remote["refused"] = () => new SourceError({ subject: "x", expected: "200", found: "another" });
    const remote = {
      name: "x",
      url: new URL(server.url),
      size: file.length,
      network: { patience },
      check() {},
      refused,
    };
    const options = { connections: 3, save: async () => {}, saveMs: 1e9 };
    await expect(download(remote, { write }, state, options)).rejects.toThrow(/HTTP 503 in each of 2 tries/);
    for (const [part, done] of state.done.entries()) {
      const [begin, end] = [part * PART, part * PART + done];
      expect(
        bytes.subarray(begin, end).every((byte, i) => byte === file[begin + i]),
        `part ${part}`,
      ).toBe(true);
    }
    expect(state.done).toEqual([PART, 50_000, 0]);
  } finally {
    await server.close();
  }
});
