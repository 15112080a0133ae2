// Declares tests once and runs them in every engine, each on a fresh page of the built package.
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import type { Driver, Engine } from "./engine.ts";
import { chromium, firefox } from "./puppeteer-engines.ts";
import { type Sent, type Site, serveSite } from "./site.ts";
import { webkit } from "./webkit-engine.ts";

/** The package as a task sees it: the browser's door in a page, Node's door when Node runs the same task. */
export type Library = Pick<typeof import("../../src/index.browser.ts"), "open" | "embeddedModel" | "logitBits">;

/** What a page has in addition. */
export type PageLibrary = Library &
  Pick<typeof import("../../src/index.browser.ts"), "capabilities" | "listCached" | "removeCached">;

/** JSON as a task's argument or result. */
export type Json = null | boolean | number | string | undefined | readonly Json[] | { readonly [key: string]: Json };

export interface Page {
  /**
   * Runs `task` in the page. Its source travels, so it sees nothing of its own file, and what it needs of it comes in
   * through `argument`.
   * @throws Error with the name and message of what `task` threw
   */
  run<const A extends Json, R extends Json>(
    task: (lfm2: PageLibrary, argument: A) => Promise<R>,
    argument: A,
  ): Promise<R>;
  /** Leaves the page and opens it anew, which ends its workers. @param query  of its address, such as `?keep` */
  reload(query?: string): Promise<void>;
  /** Leaves the page for another one, and goes back to it. */
  leaveAndReturn(): Promise<void>;
  /** Of the site, with a slash at its end. */
  readonly url: string;
  /** What the site has answered since the page was opened. */
  readonly sent: readonly Sent[];
}

/**
 * In Firefox a failed test runs once more, on a fresh page: on an isolated page, a call sometimes does not return within 40 s
 * (Firefox ESR 153; the cause is not known, and may be ours). Of four runs of same-numbers.test.ts on a busy machine one had it,
 * in the trace; 324 calls without vitest, of tracing, of ids and of bits, each on a fresh isolated page, never did.
 *
 * @param isolated  the page comes with the COOP and COEP headers that let it share memory with its workers
 * @param engines  those to run in, if not all three
 */
export function inEveryEngine(
  { isolated, engines = [chromium, firefox, webkit] }: { readonly isolated: boolean; readonly engines?: Engine[] },
  tests: (page: Page) => void,
): void {
  for (const { name, launch } of engines) {
    describe(`${name}, ${isolated ? "isolated page" : "plain page"}`, {
      retry: name.startsWith("Firefox") ? 1 : 0,
    }, () => {
      let site: Site;
      let driver: Driver;
      let launched: Promise<Driver> | undefined;
      beforeAll(async () => {
        site = await serveSite({ isolated });
      });
      beforeEach(async () => {
        // Here and not in beforeAll, so that without the engine every test fails, and none counts as skipped.
        launched ??= launch(isolated);
        driver = await launched;
        await driver.visit(site.url);
        site.sent.length = 0;
      });
      afterAll(async () => {
        const started = await launched?.catch(() => undefined);
        await started?.close();
        await site.close();
      });
      tests({
        reload: (query = "") => driver.visit(site.url + query),
        async leaveAndReturn() {
          await driver.visit(`${site.url}golden/nano/golden.json`);
          await driver.back();
        },
        run: (task, argument) => inPage(driver, task, argument),
        get url() {
          return site.url;
        },
        get sent() {
          return site.sent;
        },
      });
    });
  }
}

async function inPage<A extends Json, R extends Json>(
  driver: Driver,
  task: (lfm2: PageLibrary, argument: A) => Promise<R>,
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
