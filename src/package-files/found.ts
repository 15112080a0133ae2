// The address of a file that comes with a module.

/** @param beside  throws in scripts that a bundler has made of modules, where import.meta is empty: then beside the page */
export function found(name: string, beside: () => URL): URL {
  try {
    return beside();
  } catch {
    const page = globalThis.location?.href;
    return new URL(name, URL.canParse(name, page) ? page : "file:///");
  }
}
