// Writes the service worker: src/web/offline.js with the list of the files that the page is made of.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const template = fileURLToPath(new URL("../offline.js", import.meta.url));

export function offlineWorker(): Plugin {
  return {
    name: "lfm2-offline-worker",
    apply: "build",
    enforce: "post",
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        const dir = this.environment.config.build.outDir;
        const files = readdirSync(dir, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name !== "offline.js")
          .map((entry) => relative(dir, `${entry.parentPath}/${entry.name}`))
          .sort();
        const hash = createHash("sha256");
        for (const file of files) hash.update(file).update(readFileSync(`${dir}/${file}`));
        const first = files.map((file) => (file === "index.html" ? "./" : file));
        const script = readFileSync(template, "utf8")
          .replace('"BUILD"', JSON.stringify(hash.digest("hex").slice(0, 16)))
          .replace('["FILES"]', JSON.stringify(first));
        writeFileSync(`${dir}/offline.js`, script);
      },
    },
  };
}
