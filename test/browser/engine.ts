// A browser engine as the tests see it: visit a page, run a function in it, get its result back.
import { existsSync } from "node:fs";

export type Library = typeof import("../../src/index.browser.ts");

/** What each browser has to be able to do, in its own protocol. */
export interface Driver {
  /** Leaves the page before it, which ends that page's workers. */
  visit(url: string): Promise<void>;
  /** Value of an expression of JavaScript, a string or a promise of one. */
  evaluate(expression: string): Promise<string>;
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** @throws EngineError when the browser is not installed */
  launch(): Promise<Driver>;
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

/** JSON as a function's argument or result. */
type Json = null | boolean | number | string | undefined | readonly Json[] | { readonly [key: string]: Json };

/**
 * Runs `task` in the page. Its source travels, so it sees nothing of this file, and names from outside must come in
 * through `argument`.
 *
 * @throws Error with the name and message of what `task` threw
 */
export async function inPage<A extends Json, R extends Json>(
  driver: Driver,
  task: (lfm2: Library, argument: A) => Promise<R>,
  argument: A,
): Promise<R> {
  const call = `globalThis.lfm2.then((lfm2) => (${task})(lfm2, ${JSON.stringify(argument)}))`;
  const text = await driver.evaluate(
    `${call}.then((value) => JSON.stringify({ value }), (e) => JSON.stringify({ error: e.name + ": " + e.message }))`,
  );
  const outcome: { value: R } | { error: string } = JSON.parse(text);
  if ("error" in outcome) throw new Error(outcome.error);
  return outcome.value;
}
