// Lines from standard input, one at a time.

export interface LineReader {
  /** Whether a person sits at a terminal. */
  readonly interactive: boolean;
  /**
   * The next line; undefined at the end of input. Lines that came early wait for their turn; one that is not UTF-8 is
   * passed over with a note.
   */
  next(prompt: string): Promise<string | undefined>;
  /** What has been typed so far. */
  typed(): string;
  /** Forgets what has been typed. */
  discard(): void;
  /** Ctrl-C. In a terminal it is a key; a signal, too, ends up here. */
  onInterrupt(listener: () => void): void;
  close(): void;
}
