// A process of our own that answers messages: its memory can be measured separately, and it dies alone.
import { fork } from "node:child_process";
import { Lfm2Error, type PlainError, plainError, revivedError } from "../../lfm2-error.ts";

export interface Child {
  /**
   * Sends a message and waits for its answer; one at a time.
   * @throws what the child threw, under its own name; Error when it ends instead; the signal's reason
   */
  ask(message: object): Promise<unknown>;
  close(): Promise<void>;
}

type FromChild = { readonly answer: unknown } | { readonly progress: unknown } | { readonly failed: PlainError };

/** @param name  of the file it runs, without its extension; it lies beside the module at `beside` */
export function startChild(
  beside: string,
  name: string,
  on: { readonly signal: AbortSignal; readonly onProgress?: (progress: never) => void },
): Child {
  // The compiled package has .js where the sources have .ts.
  const entry = new URL(`./${name}.${beside.endsWith(".ts") ? "ts" : "js"}`, beside);
  const child = fork(entry, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const kill = (): boolean => child.kill("SIGKILL"); // it may be in the middle of a long step
  process.on("exit", kill);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      process.off("exit", kill);
      resolve();
    });
  });
  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        const settle = (done: () => void): void => {
          child.off("message", hear).off("exit", die).off("error", fail);
          on.signal.removeEventListener("abort", giveUp);
          done();
        };
        const fail = (error: unknown): void => settle(() => reject(error));
        const giveUp = (): void => fail(on.signal.reason);
        const die = (code: number | null, signal: string | null): void => {
          const how = signal ?? `exit code ${code}`;
          fail(
            new Lfm2Error({
              subject: "bench",
              expected: "the measured process to answer",
              found: `that it ended by ${how}`,
              remedy: "Most often its memory has run out: measure fewer settings, or a smaller context.",
            }),
          );
        };
        const hear = (said: FromChild): void => {
          if ("progress" in said) on.onProgress?.(said.progress as never);
          else if ("answer" in said) settle(() => resolve(said.answer));
          else fail(revivedError(said.failed));
        };
        child.on("message", hear).on("exit", die).on("error", fail);
        on.signal.addEventListener("abort", giveUp);
        if (on.signal.aborted) giveUp();
        else child.send(message);
      }),
    async close() {
      kill();
      await ended;
    },
  };
}

/** The child's side: answers every message that comes. */
export function answerParent<Message>(answer: (message: Message) => Promise<unknown>): void {
  process.on("message", (message: Message) => {
    answer(message).then(
      (result) => say({ answer: result ?? null }),
      (error: unknown) => say({ failed: plainError(error) }),
    );
  });
  // Ctrl-C reaches every process of a terminal; the one that prints the result decides when this one ends.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit());
}

export function sayProgress(progress: object): void {
  say({ progress });
}

function say(message: FromChild): void {
  process.send?.(message);
}
