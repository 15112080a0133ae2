// Every fault once: the right file comes, or an error says what is wrong; never another file, and never much more on the
// wire than the file has.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type FakeHub, gitHash, isLarge, REPO, serveHub, sha256, TOKEN } from "./fake-hub.ts";
import { accessTo, bytesOf, emptyFolder, fetched, PART_BYTES, patience } from "./fetched.ts";
import { hubFaults } from "./hub-faults.ts";

const files = {
  "config.json": Buffer.from('{"model_type":"lfm2"}\n'),
  "empty.gguf": Buffer.alloc(0),
  "nano-Q4_0.gguf": bytesOf(350_000),
};

describe("a model is fetched as it is, or an error says why not, in spite of", () => {
  it.concurrent.each(Object.entries(hubFaults))(
    "%s",
    async (_, { fault, error, faults, asked = {}, waits, path, stallMs }) => {
      const hub = await serveHub(files);
      try {
        hub.fault = fault(hub);
        const folder = emptyFolder();
        const waited: number[] = [];
        const headers = { Authorization: `Bearer ${TOKEN}` };
        // Without a token, errors speak of one that is missing.
        const network = {
          headers: error === undefined ? headers : {},
          patience: stallMs === undefined ? patience : { ...patience, stallMs },
          wait: async (ms: number) => void waited.push(ms),
        };
        const reports: number[] = [];
        const access = accessTo(hub, folder, {
          hub: { endpoint: hub.endpoint, network },
          onProgress: ({ done, total }) => reports.push(done / total),
        });
        const wanted = path ?? "nano-Q4_0.gguf";
        const content = hub.files.get(wanted) as Buffer;
        const found = await fetched(`hf:${REPO}/${wanted}`, access).then(sha256, ({ message }: Error) => message);
        if (error === undefined) expect(found).toBe(sha256(content));
        else expect(found).toMatch(error);

        expect(hub.sent()).toBeLessThanOrEqual(content.length + faults * PART_BYTES);
        expect(Math.max(0, ...reports)).toBeLessThanOrEqual(1);
        for (const [kind, count] of Object.entries(asked)) {
          expect(hub.asked.filter((request) => request.kind === kind).length, kind).toBe(count);
        }
        if (waits !== undefined) {
          expect(waited.length).toBe(waits.length);
          expect(waits.every((ms, i) => waited[i] >= ms)).toBe(true);
        }
        checkTokens(hub, error === undefined);
        checkBlobs(folder, error === undefined ? content : undefined);
      } finally {
        await hub.close();
      }
    },
  );
});

/** Nobody but the hub gets the token, nor any header that a page would have to ask leave for. */
function checkTokens(hub: FakeHub, isSent: boolean): void {
  for (const { server, headers } of hub.asked) {
    expect(headers.authorization).toBe(isSent && server === "hub" ? `Bearer ${TOKEN}` : undefined);
    const own = Object.keys(headers).filter((name) => /^(?:if-|x-)/.test(name));
    expect(own).toEqual([]);
  }
}

/** What has a blob's name is that blob. */
function checkBlobs(folder: string, content: Buffer | undefined): void {
  const blobs = join(folder, "models--LiquidAI--LFM2-nano-GGUF", "blobs");
  const names = existsSync(blobs) ? readdirSync(blobs) : [];
  for (const name of names.filter((other) => /^[0-9a-f]+$/.test(other))) {
    const bytes = readFileSync(join(blobs, name));
    expect(name.length === 64 ? sha256(bytes) : gitHash(bytes)).toBe(name);
  }
  if (content === undefined) return;
  expect(names).toEqual([isLarge(content) ? sha256(content) : gitHash(content)]);
}
