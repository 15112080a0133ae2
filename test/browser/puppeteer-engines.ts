// Chromium (V8) by its DevTools protocol and Firefox (SpiderMonkey) by WebDriver BiDi, both through puppeteer-core.
import { setTimeout as sleep } from "node:timers/promises";
import { type LaunchOptions, launch } from "puppeteer-core";
import { type Driver, type Engine, findProgram } from "./engine.ts";

export const chromium: Engine = { name: "Chromium", launch: () => launchChromium({}) };

/** Keeps pages that are left for the way back, as it does unless puppeteer drives it. */
export const chromiumThatKeepsPages: Engine = {
  name: "Chromium",
  launch: () => launchChromium({ ignoreDefaultArgs: ["--disable-back-forward-cache"] }),
};

function launchChromium(options: LaunchOptions): Promise<Driver> {
  return drive({
    browser: "chrome",
    executablePath: findProgram("Chromium", "LFM2_CHROMIUM", ["/usr/bin/chromium", "/usr/bin/google-chrome"]),
    // No sandbox: CI runs as root. No /dev/shm: in a container it is too small for a page's memory.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"],
    ...options,
  });
}

export const firefox: Engine = { name: "Firefox", launch: () => launchFirefox({}) };

/** All its windows are private ones. */
export const privateFirefox: Engine = {
  name: "Firefox, private windows",
  launch: () => launchFirefox({ "browser.privatebrowsing.autostart": true }),
};

function launchFirefox(extraPrefsFirefox: Record<string, boolean>): Promise<Driver> {
  const executablePath = findProgram("Firefox", "LFM2_FIREFOX", ["/usr/bin/firefox-esr", "/usr/bin/firefox"]);
  return drive({ browser: "firefox", executablePath, extraPrefsFirefox });
}

async function drive(options: LaunchOptions): Promise<Driver> {
  const browser = await launch({ ...options, headless: true });
  const page = await browser.newPage();
  return {
    async visit(url) {
      await page.goto(url);
    },
    // goBack() waits for a page to be loaded, and one that was kept is not.
    async back() {
      const left = await page.evaluate("location.href");
      await page.evaluate("void setTimeout(() => history.back())");
      for (let tries = 0; tries < 200; tries++) {
        if ((await page.evaluate("location.href").catch(() => left)) !== left) return;
        await sleep(50);
      }
      throw new Error(`expected another page than ${left} on the way back, found the same`);
    },
    evaluate: (expression) => page.evaluate(expression) as Promise<string>,
    close: () => browser.close(),
  };
}
