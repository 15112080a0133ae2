// The peers' packages: installed on demand into a temporary folder, because they are not dependencies of ours.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The versions measured against; a newer version is another peer. */
export const PEER_VERSIONS = { "node-llama-cpp": "3.22.1", "@wllama/wllama": "3.8.1" } as const;
export type PeerPackage = keyof typeof PEER_VERSIONS;

export function peersFolder(): string {
  return join(tmpdir(), "lfm2-wasm-peers");
}

/**
 * Installs a package where it is not yet, by npm and with its own install scripts.
 * @returns the folder that holds its node_modules
 * @throws Error with the last that npm said
 */
export async function installPeer(name: PeerPackage, root: string): Promise<string> {
  const version = PEER_VERSIONS[name];
  const folder = join(root, `${name.replace(/\W+/g, "-").replace(/^-/, "")}-${version}`);
  if (existsSync(join(folder, "installed"))) return folder;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const npm = process.env.npm_execpath; // set where npm runs this script
  const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  await run(program, [...first, "install", "--no-audit", "--no-fund", `${name}@${version}`], folder);
  await writeFile(join(folder, "installed"), "");
  return folder;
}

/**
 * This package for browsers, built beside the peers: `dist` may be older than the sources.
 * @returns the folder
 */
export async function buildPackage(root: string): Promise<string> {
  const project = fileURLToPath(new URL("../../../", import.meta.url));
  const dist = join(root, "dist");
  await run(process.execPath, [join(project, "assembly/package.js"), dist], project);
  return dist;
}

/** Lines of a program's output that an error repeats. */
const LAST_LINES = 6;

function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${args.join(" ")}: ${said.trim().split("\n").slice(-LAST_LINES).join(" ")}`));
    });
  });
}
