// WebKitGTK (JavaScriptCore, Safari's engine), through its own WebDriver and a screen that exists in memory only.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Driver, type Engine, EngineError, findProgram } from "./engine.ts";

const MINI_BROWSER = ["x86_64", "aarch64"].map((cpu) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-4.1/MiniBrowser`);

/** The sandbox needs namespaces, which containers do not give. */
const UNBOXED = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };

/** With shared memory on isolated pages, as Safari has it. */
export const webkit: Engine = { name: "WebKit", launch: (isolated) => launch(isolated) };

/** As WebKitGTK comes: it calls isolated pages isolated, but has no SharedArrayBuffer. */
export const webkitAsItComes: Engine = { name: "WebKitGTK as it comes", launch: () => launch(false) };

/**
 * Shows a page as to a person, with what the browser keeps in `home` from one time to the next: under a driver it keeps
 * nothing. What is to be done there, the page has to know by itself.
 */
export async function showInWebkit(url: string, home: string): Promise<{ close(): Promise<void> }> {
  const binary = findProgram("WebKit", "LFM2_WEBKIT", MINI_BROWSER);
  const xvfb = findProgram("WebKit's screen", "LFM2_XVFB", ["/usr/bin/Xvfb"]);
  const started: ChildProcess[] = [];
  try {
    const env = { ...process.env, DISPLAY: await startScreen(xvfb, started), HOME: home, ...UNBOXED };
    const folders = {
      XDG_DATA_HOME: `${home}/data`,
      XDG_CACHE_HOME: `${home}/cache`,
      XDG_CONFIG_HOME: `${home}/config`,
    };
    started.push(spawn(binary, [url], { stdio: "ignore", env: { ...env, ...folders } }));
    return { close: () => stop(started) };
  } catch (error) {
    await stop(started);
    throw error;
  }
}

async function launch(sharedMemory: boolean): Promise<Driver> {
  const driver = findProgram("WebKit", "LFM2_WEBKIT_DRIVER", ["/usr/bin/WebKitWebDriver"]);
  const binary = findProgram("WebKit", "LFM2_WEBKIT", MINI_BROWSER);
  const xvfb = findProgram("WebKit's screen", "LFM2_XVFB", ["/usr/bin/Xvfb"]);
  const started: ChildProcess[] = [];
  try {
    const display = await startScreen(xvfb, started);
    const port = await freePort();
    started.push(
      spawn(driver, [`--port=${port}`, "--host=127.0.0.1"], {
        stdio: "ignore",
        env: {
          ...process.env,
          DISPLAY: display,
          ...UNBOXED,
          // Safari turns this on in the processes of isolated pages; WebKitGTK leaves it off everywhere.
          JSC_useSharedArrayBuffer: sharedMemory ? "1" : "0",
        },
      }),
    );
    return await openSession(`http://127.0.0.1:${port}/session`, binary, () => stop(started));
  } catch (error) {
    await stop(started);
    throw error;
  }
}

/** Starts Xvfb on the first display that is free; it writes the number to its file descriptor 3. */
async function startScreen(xvfb: string, started: ChildProcess[]): Promise<string> {
  const screen = spawn(xvfb, ["-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  started.push(screen);
  const ended = once(screen, "exit").then(([code]) => {
    throw new EngineError(`Xvfb: expected a display number, found exit code ${code}.`);
  });
  const [number] = await Promise.race([once(screen.stdio[3] as NodeJS.ReadableStream, "data"), ended]);
  return `:${String(number).trim()}`;
}

async function openSession(sessions: string, binary: string, stopAll: () => Promise<void>): Promise<Driver> {
  const options = { binary, args: ["--automation"] };
  const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options, timeouts: { script: 170_000 } } };
  const { sessionId } = (await untilListening(() => command("POST", sessions, { capabilities }))) as {
    sessionId: string;
  };
  const session = `${sessions}/${sessionId}`;
  return {
    async visit(url) {
      await command("POST", `${session}/url`, { url });
    },
    async back() {
      await command("POST", `${session}/back`, {});
    },
    // A script's promise is awaited.
    evaluate: async (expression) =>
      (await command("POST", `${session}/execute/sync`, { script: `return ${expression};`, args: [] })) as string,
    async close() {
      await command("DELETE", session).finally(stopAll);
    },
  };
}

/** One command of https://www.w3.org/TR/webdriver2/ */
async function command(method: "POST" | "DELETE", url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = (await response.json()) as { value: { error?: string; message?: string } };
  if (!response.ok) throw new EngineError(`WebKitWebDriver: ${value.error}: ${value.message}`);
  return value;
}

async function untilListening<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      // fetch throws TypeError when nobody listens yet.
      if (left === 0 || !(error instanceof TypeError)) throw error;
    }
    await sleep(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function stop(started: readonly ChildProcess[]): Promise<void> {
  for (const child of started.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill();
    await once(child, "exit");
  }
}
