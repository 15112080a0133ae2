// The address of a file that comes with a module.

/**
 * Turbopack's URLs may have a path in place of an address. In scripts that a bundler has made of modules, import.meta is
 * empty: then the file is looked for beside the page.
 */
export function found(name: string, beside: () => URL): URL {
  const page = globalThis.location?.href;
  const base = URL.canParse(name, page) ? page : "file:///";
  try {
    return new URL(beside().href, base);
  } catch {
    return new URL(name, base);
  }
}
