// What Vite puts in at build time.
interface ImportMeta {
  glob(
    patterns: string | readonly string[],
    options: { readonly query: "?raw"; readonly import: "default"; readonly eager: true },
  ): Record<string, string>;
}

/** A worker's script, bundled; its address. */
declare module "*?worker&url" {
  const url: string;
  export default url;
}
