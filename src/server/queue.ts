// Who may use the model: so many at once, the others in turn, and no more of them than a bound.
import { RequestFailure } from "./failure.ts";

export interface Queue {
  /**
   * Waits for a turn.
   * @returns what gives the turn to the next one
   * @throws RequestFailure (429) when too many wait already; the signal's reason
   */
  turn(client: string, signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Waiting {
  readonly start: () => void;
}

/** Clients take turns, however many requests each of them has sent. */
export function createQueue(most: { readonly running: number; readonly waiting: number }): Queue {
  /** In the order of their turns. */
  const clients = new Map<string, Waiting[]>();
  let running = 0;
  let waiting = 0;

  const leave = (): void => {
    running--;
    const next = clients.entries().next().value;
    if (next === undefined) return;
    const [client, requests] = next;
    const [first, ...others] = requests;
    clients.delete(client);
    if (others.length > 0) clients.set(client, others);
    waiting--;
    first.start();
  };
  const enter = (): (() => void) => {
    running++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      leave();
    };
  };

  return {
    async turn(client, signal) {
      signal.throwIfAborted();
      if (running < most.running) return enter();
      if (waiting >= most.waiting) {
        const message = `Too many requests: ${running} are answered and ${waiting} wait. Try again later.`;
        throw new RequestFailure({ status: 429, message, code: "queue_full", retryAfterS: 1 });
      }
      waiting++;
      return new Promise((resolve, reject) => {
        const own: Waiting = {
          start() {
            signal.removeEventListener("abort", giveUp);
            resolve(enter());
          },
        };
        const giveUp = (): void => {
          const left = (clients.get(client) ?? []).filter((other) => other !== own);
          if (left.length > 0) clients.set(client, left);
          else clients.delete(client);
          waiting--;
          reject(signal.reason);
        };
        signal.addEventListener("abort", giveUp, { once: true });
        clients.set(client, [...(clients.get(client) ?? []), own]);
      });
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
  };
}
