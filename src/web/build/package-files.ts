// What the page fetches when a model is opened: the package's threads and kernels, and the embedded model, in lfm2/.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import type { Plugin } from "vite";

export function copyPackageFiles(project: string): Plugin {
  return {
    name: "lfm2-package-files",
    apply: "build",
    writeBundle({ dir }) {
      const folder = `${dir}/lfm2`;
      mkdirSync(folder, { recursive: true });
      for (const name of readdirSync(`${project}/dist/assets`))
        cpSync(`${project}/dist/assets/${name}`, `${folder}/${name}`);
      cpSync(`${project}/golden/nano/lfm2-nano-Q4_0.gguf`, `${folder}/lfm2-nano-Q4_0.gguf`);
    },
  };
}
