// Bytes that come one after another, written in few calls: a call for each chunk of a socket takes a fifth of the time in
// which Node fetches 1.4 GB.
import type { PartFile } from "./part-file.ts";

const ROOM_BYTES = 1 << 20;
/** Nothing is held for longer once more comes, so that little is lost with a process that is killed. */
const HELD_MS = 100;

export interface Gathering {
  /** Takes a copy. */
  add(bytes: Uint8Array): Promise<void>;
  /** Writes what is held. */
  flush(): Promise<void>;
}

/** @param onWritten  told where the bytes end that have been written */
export function gather(
  file: PartFile,
  offset: number,
  onWritten: (position: number) => void,
  now = (): number => performance.now(),
): Gathering {
  let at = offset;
  let held = 0;
  let since = 0;
  let room: Uint8Array | undefined;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await file.write(at, bytes);
    at += bytes.length;
    onWritten(at);
  };
  const flush = async (): Promise<void> => {
    if (room === undefined || held === 0) return;
    const bytes = room.subarray(0, held);
    held = 0;
    await write(bytes);
  };
  return {
    async add(bytes) {
      if (held + bytes.length > ROOM_BYTES) await flush();
      if (bytes.length > ROOM_BYTES / 4 && held === 0) return write(bytes);
      room ??= new Uint8Array(ROOM_BYTES);
      if (held === 0) since = now();
      room.set(bytes, held);
      held += bytes.length;
      if (held === ROOM_BYTES || now() - since >= HELD_MS) await flush();
    },
    flush,
  };
}
