// The built page in every engine, served as `lfm2 web` serves it: a test opens an address of it, acts, and reads.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { pageFiles, readingFrom } from "../../../src/cli/files/page-files.ts";
import { type Listening, listen } from "../../../src/server/node-listen.ts";
import { createPageApp } from "../../../src/server/page-app.ts";
import type { Driver, Engine } from "../engine.ts";
import type { Json } from "../every-engine.ts";
import { chromium, firefox } from "../puppeteer-engines.ts";
import { webkitAsItComes } from "../webkit-engine.ts";

/** What a task in the page is given besides its argument. */
export interface Hands {
  /** The first element that the selector finds, once there is one; with a text, one whose text holds it. */
  find(selector: string, text?: string): Promise<HTMLElement>;
  click(selector: string, text?: string): Promise<void>;
  /** Types into a field. */
  fill(selector: string, value: string): Promise<void>;
  /** Until it is true. */
  until(holds: () => boolean, what: string): Promise<void>;
}

export interface BuiltPage {
  readonly engine: string;
  readonly url: string;
  /** Opens an address of the page, such as #/inside?prompt=Hello, anew. */
  visit(hash: string): Promise<void>;
  /** Runs `task` in the page; its source travels, as of `Page.run`. */
  run<const A extends Json, R extends Json>(task: (hands: Hands, argument: A) => Promise<R>, argument: A): Promise<R>;
  /** Serious findings of axe in what is shown: a line each. */
  axe(): Promise<string[]>;
  /** Ends the server, as a network does that is gone. */
  cut(): Promise<void>;
}

/** Written as source, since the page's policy lets nothing else in. */
const HANDS = `({
  async until(holds, what) {
    for (let tries = 0; tries < 600; tries++) {
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("waited in vain for " + what + "; shown: " + document.body.innerText.slice(0, 600));
  },
  async find(selector, text = "") {
    const found = () => [...document.querySelectorAll(selector)].find((e) => e.textContent.includes(text) && !e.disabled);
    await this.until(() => found() !== undefined, selector + " " + text);
    return found();
  },
  async click(selector, text) {
    (await this.find(selector, text)).click();
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
  async fill(selector, value) {
    const field = await this.find(selector);
    const proto = field.tagName === "TEXTAREA" ? HTMLTextAreaElement : field.tagName === "SELECT" ? HTMLSelectElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(proto.prototype, "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
})`;

const axeSource = (): string => readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** In Firefox a failed test runs once more, as in `inEveryEngine`. */
export function onBuiltPage(
  tests: (page: BuiltPage) => void,
  engines: readonly Engine[] = [chromium, firefox, webkitAsItComes],
): void {
  for (const { name, launch } of engines) {
    describe(name, { retry: name === "Firefox" ? 1 : 0 }, () => {
      let driver: Driver;
      let server: Listening;
      beforeAll(async () => {
        const app = createPageApp({ host: "127.0.0.1", file: readingFrom(pageFiles()) });
        server = await listen(app, "127.0.0.1", 0);
        driver = await launch(true);
      });
      afterAll(async () => {
        await driver?.close();
        await server?.close(0);
      });
      const evaluate = async <R extends Json>(expression: string): Promise<R> => {
        const text = await driver.evaluate(
          `Promise.resolve().then(() => ${expression}).then((value) => JSON.stringify({ value }), (e) => JSON.stringify({ error: e.name + ": " + e.message }))`,
        );
        const outcome: { value: R } | { error: string } = JSON.parse(text);
        if ("error" in outcome) throw new Error(outcome.error);
        return outcome.value;
      };
      tests({
        engine: name,
        get url() {
          return `${server.url}/`;
        },
        async visit(hash) {
          await driver.visit("about:blank"); // a change of the fragment alone would open nothing anew
          await driver.visit(`${server.url}/${hash}`);
        },
        run: (task, argument) => evaluate(`(${task})(${HANDS}, ${JSON.stringify(argument)})`),
        async axe() {
          const found = await evaluate<string[]>(`(() => { ${axeSource()}; return axe.run(document, {
            resultTypes: ["violations"], rules: { region: { enabled: false } } }).then(({ violations }) => violations
            .filter(({ impact }) => impact === "serious" || impact === "critical")
            .map(({ id, nodes }) => id + ": " + nodes.map(({ html, any }) => html.slice(0, 120) + " " + (any[0]?.message ?? "")).slice(0, 3).join(" | "))); })()`);
          expect(found).toEqual([]);
          return found;
        },
        cut: () => server.close(0),
      });
    });
  }
}
