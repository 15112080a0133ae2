// Memory given back at once: engines count little of what lies outside of their heap, and so collect it late. While a file
// of 4.7 GB was read in pieces, WebKit came to hold 12 GB.

/**
 * Blink holds what it reads a second time, in a heap of its own, and V8 hurries to collect it only as long as it counts it,
 * too: detached, it stays. A file of 1.4 GB left 1.4 GB behind.
 */
const isBlink = typeof navigator !== "undefined" && /Chrome\//.test(navigator.userAgent);

/** Nothing may use the bytes any more. Leaves alone what is a part of something larger, and shared memory. */
export function discard({ buffer, byteLength }: Uint8Array): void {
  if (isBlink || byteLength !== buffer.byteLength) return;
  // Not there before Node 22, Firefox 122 and Safari 17.4: those collect it some time.
  (buffer as { transfer?: (bytes: number) => ArrayBuffer }).transfer?.(0);
}
