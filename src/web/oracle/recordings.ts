// The recordings that were dropped or picked, and which files belong to one.
import { signal } from "@preact/signals";
import type { Side } from "./protocol.ts";

export interface Recording {
  /** A folder's name, or a file's; for people. */
  readonly name: string;
  readonly files: readonly File[];
}

export const recordings = signal<Partial<Record<Side, Recording>>>({});

export function setRecording(side: Side, recording: Recording | undefined): void {
  recordings.value = { ...recordings.value, [side]: recording };
}

const MANIFEST = /^(trace|golden)\.json$/;

/** Loose files: a manifest makes one recording of all, else each file of tensors is one; what lies beside it goes with it. */
export function grouped(files: readonly File[]): Recording[] {
  const manifest = files.find(({ name }) => MANIFEST.test(name));
  const folderOf = (file: File): string => file.webkitRelativePath.split("/").slice(0, -1).at(-1) ?? "";
  if (manifest !== undefined) {
    const tensors = files.find(({ name }) => /\.safetensors$/.test(name));
    return [{ name: folderOf(manifest) || (tensors?.name ?? manifest.name), files }];
  }
  const isBeside = ({ name }: File): boolean => /\.json$/i.test(name) || /-tokens\.bin$/.test(name);
  const beside = files.filter(isBeside);
  const tensors = files.filter((file) => !isBeside(file));
  return tensors.length === 0 && files.length > 0
    ? [{ name: files[0].name, files }]
    : tensors.map((file) => ({ name: file.name, files: [file, ...beside] }));
}

/** Of what was dropped: each folder is a recording; loose files are grouped. */
export async function dropped(transfer: DataTransfer): Promise<Recording[]> {
  // Both lists are empty once this function has waited.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  const loose = [...transfer.files].filter((_, i) => !entries[i]?.isDirectory);
  const folders = entries.filter((entry): entry is FileSystemDirectoryEntry => entry?.isDirectory === true);
  const inFolders = await Promise.all(
    folders.map(async (folder) => ({ name: folder.name, files: await filesIn(folder) })),
  );
  return [...inFolders, ...grouped(loose)];
}

const MOST_ENTRIES = 1000;

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: File[] = [];
  while (files.length < MOST_ENTRIES) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    for (const entry of some) {
      if (entry.isFile) {
        files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
      }
    }
  }
  return files;
}
