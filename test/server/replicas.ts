// Two replicas behind nginx, as examples/serving/nginx.conf has them; one is killed under load:
//
//   node --import ./assembly/read-typescript.js test/server/replicas.ts
//
// Requests without a first byte are answered by the other one; streams that had begun end early; nothing else fails.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start, written } from "../cli/lfm2.ts";

const CLIENTS = 12;
const REQUESTS = 120;
const PARALLEL = 4;
const KILLED_AFTER = 30;

const folder = mkdtempSync(join(tmpdir(), "lfm2-replicas-"));
const children: ChildProcess[] = [];
process.on("exit", () => {
  // By SIGTERM: nginx has a child of its own, which it ends then.
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function replica(): Promise<{ readonly child: ChildProcess; readonly port: string }> {
  const child = start(["serve", "--port", "0", "--quiet", "-t", "1", "--parallel", String(PARALLEL)]);
  children.push(child);
  const [, port] = /at http:\/\/127\.0\.0\.1:(\d+)/.exec(await written(child.stderr, /:\d+\/v1/)) ?? [];
  return { child, port };
}

const [first, second] = await Promise.all([replica(), replica()]);
const port = await freePort();
const conf = readFileSync(new URL("../../examples/serving/nginx.conf", import.meta.url), "utf8")
  .replace("127.0.0.1:9931", `127.0.0.1:${first.port}`)
  .replace("127.0.0.1:9932", `127.0.0.1:${second.port}`)
  .replace("127.0.0.1:8080", `127.0.0.1:${port}`);
mkdirSync(join(folder, "tmp"));
writeFileSync(join(folder, "nginx.conf"), conf);
const nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], { stdio: "inherit" });
children.push(nginx);
const url = `http://127.0.0.1:${port}`;
for (let tries = 0; tries < 100; tries++) {
  if (
    await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  )
    break;
  await sleep(50);
}

let answered = 0;
let cut = 0;
const failures: string[] = [];
let next = 0;
async function client(): Promise<void> {
  while (next < REQUESTS) {
    const stream = next++ % 2 === 0;
    const body = JSON.stringify({ messages: [{ role: "user", content: "Hello!" }], stream, temperature: 0 });
    const headers = { "content-type": "application/json" };
    let begun = "";
    try {
      const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
      if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
      for await (const chunk of response.body as ReadableStream<Uint8Array>) begun += new TextDecoder().decode(chunk);
      const isWhole = stream ? begun.endsWith("data: [DONE]\n\n") : JSON.parse(begun).choices.length === 1;
      if (isWhole) answered++;
      else cut++;
    } catch (error) {
      if (begun === "") failures.push(String(error));
      else cut++;
    }
    if (answered === KILLED_AFTER) first.child.kill("SIGKILL");
  }
}
await Promise.all(Array.from({ length: CLIENTS }, client));
// No more than are computed side by side can have begun.
if (cut > PARALLEL) failures.push(`expected at most ${PARALLEL} answers that were cut, found ${cut}`);
if (first.child.signalCode !== "SIGKILL") failures.push("the replica was not killed");
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${answered} answered, ${cut} cut, ${failures.length} failed`);
nginx.kill();
await once(nginx, "exit");
process.exit(failures.length > 0 ? 1 : 0);
