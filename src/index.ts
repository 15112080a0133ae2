// The package in Node.
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type LocateOptions, type ModelSource, openOn } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { locateKept } from "./downloads/kept-urls.ts";
import { nodeShelf } from "./downloads/node-shelf.ts";
import { openCheckpoint } from "./formats/open-checkpoint.ts";
import { parseHubName } from "./hub/hub-name.ts";
import { nodeAccess } from "./hub/node-access.ts";
import { hubEnvironment } from "./hub/node-environment.ts";
import { locateHub } from "./hub/open-hub.ts";
import { diskFolder } from "./sources/disk.ts";
import { type Location, locateBlobs, locateUrl } from "./sources/locate.ts";
import { SourceError } from "./sources/source-error.ts";
import { startNodeText } from "./text/start-node.ts";
import { startNodeWorker } from "./worker/start-node.ts";

/** The model that is used when none is named. */
export const embeddedModel = new URL("../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url);

/**
 * Finds a model for Node: paths, file: URLs, names on the Hugging Face Hub, and everything that a browser takes.
 *
 * @internal
 */
export async function locateInNode(
  source: ModelSource = embeddedModel,
  options: LocateOptions = {},
): Promise<Location> {
  if (typeof source !== "string" && !(source instanceof URL)) return locateBlobs(source);
  const { hubEndpoint = process.env.HF_ENDPOINT } = options;
  const environment = hubEnvironment({ ...process.env, HF_ENDPOINT: hubEndpoint });
  const name = parseHubName(String(source), environment.endpoint);
  if (name !== undefined) return locateHub(name, await nodeAccess(environment, options));
  if (/^https?:/i.test(String(source))) {
    const offline = options.offline === true || environment.offline;
    if (options.cache === false && !offline) return locateUrl(String(source), options);
    return locateKept(String(source), { ...options, shelf: nodeShelf(environment.urlCache), offline });
  }
  const path = pathOf(source);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new SourceError({
      subject: path,
      expected: "a GGUF file or a model folder",
      found: "nothing there",
      remedy: "Check the path.",
    });
  }
  if (found.isDirectory()) return { folder: diskFolder(path) };
  return { folder: diskFolder(dirname(path)), file: basename(path) };
}

/** @internal */
export const nodeHost: Host = {
  startWorker: startNodeWorker,
  startText: startNodeText,
  async openFiles(source, options) {
    const { folder, file } = await locateInNode(source, options);
    return openCheckpoint(folder, file, options.signal);
  },
};

function pathOf(source: string | URL): string {
  if (typeof source === "string" && !source.startsWith("file:")) return source;
  try {
    return fileURLToPath(source);
  } catch (cause) {
    throw new SourceError(
      {
        subject: String(source).slice(0, 80),
        expected: "a path, or a URL that begins with file:, http: or https:",
        found: "neither",
      },
      { cause },
    );
  }
}

/**
 * Opens a model from a path, a name on the Hugging Face Hub (hf:OWNER/REPO[:QUANT][@REVISION]), a URL, Blob, bytes or a
 * list of Files; the embedded one when `source` is left out.
 *
 * @throws FormatError, ConfigError, WeightError: the files are not a model this project runs
 * @throws OptionError, MemoryError: the options do not fit the model or this machine
 * @throws SourceError: bytes cannot be had
 * @throws the signal's reason, when it was aborted
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openOn(nodeHost, source, options);
}

export type { TraceManifest } from "./oracle/trace/trace-manifest.ts";
export { type OnProgress, type TracedModel, type WriteTraceOptions, writeTrace } from "./oracle/trace/write-trace.ts";
export * from "./public.ts";
