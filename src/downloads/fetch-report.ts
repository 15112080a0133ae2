// How far the fetching of a file has come.

export interface FetchReport {
  /** `fetch` counts bytes that are there, `check` bytes that have been hashed. */
  readonly phase: "fetch" | "check";
  readonly done: number;
}
