// A reporter that names the files that do not end: a loop that never returns ends no test by its timeout either.
import type { Reporter, TestModule } from "vitest/node";

const EVERY_MS = 60_000;

export default class StillRunning implements Reporter {
  readonly #since = new Map<string, number>();

  onInit(): void {
    setInterval(() => this.#tell(), EVERY_MS).unref();
  }

  onTestModuleStart({ relativeModuleId }: TestModule): void {
    this.#since.set(relativeModuleId, performance.now());
  }

  onTestModuleEnd({ relativeModuleId }: TestModule): void {
    this.#since.delete(relativeModuleId);
  }

  #tell(): void {
    for (const [file, since] of this.#since) {
      const seconds = Math.round((performance.now() - since) / 1000);
      if (seconds * 1000 >= EVERY_MS) console.log(`${file}: running for ${seconds} s`);
    }
  }
}
