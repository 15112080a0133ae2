// The apps of this folder, and how each is run.

export type Run = {
  /** A script of its package.json, run first. */
  readonly build?: string;
} & (
  | { readonly command: readonly string[] }
  | {
      /** A server of its own; `PORT` stands for the port it is to take. */
      readonly serve: readonly string[];
      readonly path?: string;
    }
  | {
      /** A folder, for a static server. */
      readonly folder: string;
      readonly path?: string;
      readonly isolated?: boolean;
      /** Another static server over the same folder, whose address takes the place of `CDN` in pages. */
      readonly cdn?: boolean;
    }
);

export interface Consumer {
  /** Seconds, not minutes. */
  readonly quick?: boolean;
  readonly runs: Readonly<Record<string, Run>>;
}

export const consumers: Readonly<Record<string, Consumer>> = {
  node: {
    quick: true,
    runs: {
      "Node 20": { command: ["node_modules/node-20/bin/node", "main.js"] },
      "Node 24": { command: ["node_modules/node-24/bin/node", "main.js"] },
    },
  },
  plain: {
    quick: true,
    runs: { page: { folder: "." }, "isolated page": { folder: ".", isolated: true } },
  },
  "static-host": { quick: true, runs: { "isolated by a service worker": { folder: "." } } },
  cdn: {
    quick: true,
    runs: {
      page: { folder: ".", cdn: true },
      "isolated page": { folder: ".", cdn: true, isolated: true },
    },
  },
  esbuild: {
    quick: true,
    runs: {
      "copied files": { build: "build", folder: "dist" },
      inline: { folder: "dist", path: "inline.html" },
    },
  },
  rollup: { quick: true, runs: { build: { build: "build", folder: "dist" } } },
  vite: {
    quick: true,
    runs: {
      dev: { serve: ["node_modules/.bin/vite", "--port", "PORT", "--strictPort"] },
      build: { build: "build", folder: "dist" },
      preview: { serve: ["node_modules/.bin/vite", "preview", "--port", "PORT", "--strictPort"] },
    },
  },
  webpack: { runs: { build: { build: "build", folder: "dist" } } },
  parcel: { runs: { build: { build: "build", folder: "dist" } } },
  next: {
    runs: {
      build: { build: "build", folder: "out" },
      dev: { serve: ["node_modules/.bin/next", "dev", "--port", "PORT"] },
    },
  },
  sveltekit: {
    runs: {
      build: { build: "build", folder: "build" },
      dev: { serve: ["node_modules/.bin/vite", "--port", "PORT", "--strictPort"] },
    },
  },
  bun: { runs: { Bun: { command: ["node_modules/@oven/bun-linux-x64-baseline/bin/bun", "main.js"] } } },
  deno: { runs: { Deno: { command: ["node_modules/@deno/linux-x64-glibc/deno", "run", "-A", "main.js"] } } },
};
