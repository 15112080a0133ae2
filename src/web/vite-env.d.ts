// What Vite puts in at build time.
interface ImportMeta {
  glob(
    patterns: string | readonly string[],
    options: { readonly query: "?raw"; readonly import: "default"; readonly eager: true },
  ): Record<string, string>;
}
