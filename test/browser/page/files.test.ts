// What the built page is made of.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../../dist/web", import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`);

it("takes less than 1.5 MB compressed, without the model", () => {
  const bytes = files.filter((path) => !path.endsWith(".gguf")).map((path) => gzipSync(readFileSync(path)).length);
  expect(bytes.length).toBeGreaterThan(10);
  expect(bytes.reduce((sum, count) => sum + count, 0)).toBeLessThan(1.5e6);
});
