// The speed of a download.

/** It is that of the last so many milliseconds, since it changes. */
const RECENT_MS = 5_000;
const SAMPLE_MS = 250;

/** Given how much is there at which time, tells bytes per second; undefined at first. What was there before does not count. */
export function createSpeed(): (done: number, now: number) => number | undefined {
  const samples: { readonly done: number; readonly at: number }[] = [];
  return (done, now) => {
    const last = samples.at(-1);
    if (last === undefined || now - last.at >= SAMPLE_MS) samples.push({ done, at: now });
    while (samples.length > 2 && now - samples[1].at > RECENT_MS) samples.shift();
    const [first] = samples;
    return now - first.at < SAMPLE_MS ? undefined : (1000 * (done - first.done)) / (now - first.at);
  };
}
