// Writes .npy and .npz files, right and wrong, for tests.
import { deflateRawSync } from "node:zlib";

export function npyFile(
  descr: string,
  shape: string,
  data: ArrayBufferView,
  fortranOrder = "False",
): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortranOrder}, 'shape': ${shape}, }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}

/** One disk, no comment, no checksums. */
export function npzFile(
  files: readonly { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }[],
  isDeflated = false,
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const stored = isDeflated ? deflateRawSync(bytes) : bytes;
    const title = new TextEncoder().encode(name);
    const shared = new DataView(new ArrayBuffer(26));
    shared.setUint16(0, 20, true);
    shared.setUint16(4, isDeflated ? 8 : 0, true);
    shared.setUint32(14, stored.byteLength, true);
    shared.setUint32(18, bytes.byteLength, true);
    shared.setUint16(22, title.length, true);
    const common = new Uint8Array(shared.buffer);
    const local = [Uint8Array.of(0x50, 0x4b, 3, 4), common, title, stored];
    const rest = new DataView(new ArrayBuffer(14));
    rest.setUint32(10, at, true);
    directory.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), common, new Uint8Array(rest.buffer), title);
    pieces.push(...local);
    at += local.reduce((sum, piece) => sum + piece.length, 0);
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(
    12,
    directory.reduce((sum, piece) => sum + piece.length, 0),
    true,
  );
  end.setUint32(16, at, true);
  return new Uint8Array(Buffer.concat([...pieces, ...directory, new Uint8Array(end.buffer)]));
}
