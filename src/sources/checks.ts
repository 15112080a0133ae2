// What every source and folder checks before it allocates or opens anything.
import { SourceError } from "./source-error.ts";

/** @throws SourceError when [offset, offset + length) leaves [0, size) */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (whole && offset >= 0 && length >= 0 && offset <= size - length) return;
  throw new SourceError({
    subject: name,
    expected: `a range within its ${size} bytes`,
    found: `${length} bytes from ${offset}`,
    remedy: "The file is damaged or cut short; fetch it again.",
  });
}

/** Names come from index files too, so none may point out of its folder. @throws SourceError */
export function checkFileName(folder: string, fileName: string): void {
  const isName = /^[^/\\\0]+$/.test(fileName) && fileName !== "." && fileName !== "..";
  // Half of a surrogate pair can be written neither on disk nor in an address.
  if (isName && !/\p{Surrogate}/u.test(fileName)) return;
  throw new SourceError({
    subject: folder,
    expected: "a file name without folders",
    found: JSON.stringify(fileName),
    remedy: "Name the folder and the file separately.",
  });
}
