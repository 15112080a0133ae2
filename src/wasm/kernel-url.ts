// Where the builds of the kernels lie on disk, in the sources and in the package.
import { type KernelBuild, kernelFile } from "./kernels.ts";

export function kernelUrl(build: KernelBuild): URL {
  return new URL(`../assets/${kernelFile(build)}`, import.meta.url);
}
