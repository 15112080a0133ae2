// What a browser has to do for the tests, whatever its protocol, and where its program is found.
import { existsSync } from "node:fs";

export interface Driver {
  /** Leaves the page before it, which ends that page's workers. */
  visit(url: string): Promise<void>;
  /** To the page that was shown before. */
  back(): Promise<void>;
  /** Value of an expression of JavaScript, a string or a promise of one. */
  evaluate(expression: string): Promise<string>;
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /**
   * @param isolated  the pages to come are cross-origin isolated
   * @throws EngineError when the browser is not installed
   */
  launch(isolated: boolean): Promise<Driver>;
}

/** A browser is missing, or does not start. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

const INSTALL = "apt-get install -y chromium firefox-esr webkit2gtk-driver xvfb";

/**
 * Path of a browser's program: what the environment variable says, else the first of `places` that exists.
 * @throws EngineError naming the packages to install
 */
export function findProgram(engine: string, variable: string, places: readonly string[]): string {
  const stated = process.env[variable];
  const candidates = stated === undefined ? places : [stated];
  const program = candidates.find((path) => existsSync(path));
  if (program !== undefined) return program;
  throw new EngineError(
    `${engine}: expected a program at ${candidates.join(" or ")}, found none. ` +
      `Install the browsers (${INSTALL}), or set ${variable} to its path.`,
  );
}
