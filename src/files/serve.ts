// The files thread of a page: finds a model's files, fetches and keeps what comes from a server, and reads all but the
// weights.

import type { CreateHasher } from "../downloads/hasher.ts";
import { locateKept } from "../downloads/kept-urls.ts";
import type { NoRoomError } from "../downloads/no-room.ts";
import { writableShelves } from "../downloads/site-shelves.ts";
import { openCheckpoint } from "../formats/open-checkpoint.ts";
import { HUB, parseHubName } from "../hub/hub-name.ts";
import { noCache } from "../hub/no-cache.ts";
import { locateHub } from "../hub/open-hub.ts";
import { shelfHubCache } from "../hub/shelf-hub-cache.ts";
import { plainError } from "../lfm2-error.ts";
import { type Location, locateBlobs, locateUrl } from "../sources/locate.ts";
import type { Port } from "../worker/protocol.ts";
import type { FilesProgress, FromFiles, OpenedCheckpoint, OpenFiles, PageFile } from "./protocol.ts";

/** A page needs to hear no more often. */
const PROGRESS_MS = 50;

export function serveFiles(port: Port<OpenFiles, FromFiles>, createHasher: CreateHasher): void {
  port.onMessage(async (request) => {
    try {
      port.post({ opened: await opened(request) });
    } catch (error) {
      port.post({ error: plainError(error) });
    }
  });

  async function opened(request: OpenFiles): Promise<OpenedCheckpoint> {
    const warnings: string[] = [];
    const { folder, file } = await located(request, warnings);
    const checkpoint = await openCheckpoint(folder, file);
    const files = checkpoint.files.map(({ name, size, descriptor }) => ({ name, size, descriptor }));
    return { ...checkpoint, files, warnings: [...checkpoint.warnings, ...warnings] };
  }

  async function located(request: OpenFiles, warnings: string[]): Promise<Location> {
    const { source, headers, patience, offline, keeps, hubEndpoint = HUB } = request;
    if (typeof source !== "string") return locateBlobs(source instanceof Blob ? source : source.map(asFile));
    const network = { headers, patience };
    const name = parseHubName(source, hubEndpoint);
    if (name === undefined && !keeps) return locateUrl(source, network);
    const shelves = await writableShelves(createHasher).catch((error: Error) => {
      warnings.push(
        `This browser keeps no files for this page (${error.message}), so they are fetched each time it is opened.`,
      );
      return undefined;
    });
    const onNoRoom = (error: NoRoomError): void => {
      warnings.push(`Files are not kept, and will be fetched again each time: ${error.message}`);
    };
    const keeping = { offline, onProgress: createReporter(), onNoRoom };
    if (name !== undefined) {
      const cache = shelves === undefined ? noCache : shelfHubCache(shelves.hub);
      return locateHub(name, {
        hub: { endpoint: hubEndpoint.replace(/\/+$/, ""), network },
        cache,
        reads: "whole",
        ...keeping,
      });
    }
    if (shelves === undefined) return locateUrl(source, network);
    return locateKept(source, { ...network, shelf: shelves.urls, ...keeping });
  }

  function createReporter(): (progress: FilesProgress) => void {
    let last = { phase: "", at: 0 };
    return (progress) => {
      const { phase, done, total } = progress;
      const now = performance.now();
      if (phase === last.phase && done < total && now - last.at < PROGRESS_MS) return;
      last = { phase, at: now };
      port.post({ progress });
    };
  }
}

/** Copies of Files lose their place in a picked folder. */
function asFile({ blob, name, path }: PageFile): File {
  const file = new File([blob], name);
  Object.defineProperty(file, "webkitRelativePath", { value: path });
  return file;
}
