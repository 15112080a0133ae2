// Who may use the model: so many answers at once, the others in turn, and no more of them than a bound.
import { RequestFailure, refused } from "./failure.ts";

export interface Queue {
  /**
   * Takes a place in the line for each answer of a request; a free one is its turn at once.
   * @throws RequestFailure: 429 when too many wait already, 400 when there will never be room for so many
   */
  enter(client: string, answers: number): Turns;
  /** Answers, of which a request may want several. */
  readonly running: number;
  readonly waiting: number;
  /** Whether one more would be refused. */
  readonly isFull: boolean;
}

/** Those of one request. */
export interface Turns {
  /**
   * Waits for the next of them.
   * @returns what gives the turn to the next in the line
   * @throws the signal's reason
   */
  next(signal: AbortSignal): Promise<() => void>;
  /** Gives back all that are left. */
  end(): void;
}

interface Place {
  readonly turn: Promise<() => void>;
  start(): void;
  /** Without effect once it has been. */
  leave(reason?: unknown): void;
}

/** Clients take turns, however many answers each of them has asked for. */
export function createQueue(most: { readonly running: number; readonly waiting: number }): Queue {
  /** In the order of their turns. */
  const clients = new Map<string, Place[]>();
  let running = 0;
  let waiting = 0;
  const all = most.running + most.waiting;

  const startNext = (): void => {
    const next = clients.entries().next().value;
    if (next === undefined) return;
    const [client, [first, ...others]] = next;
    clients.delete(client);
    if (others.length > 0) clients.set(client, others);
    waiting--;
    first.start();
  };
  const placeOf = (client: string): Place => {
    let state: "waits" | "runs" | "left" = "waits";
    let begin = (_: () => void): void => {};
    let giveUp = (_: unknown): void => {};
    const turn = new Promise<() => void>((resolve, reject) => {
      [begin, giveUp] = [resolve, reject];
    });
    // Whoever waits for it hears of it.
    turn.catch(() => {});
    const own: Place = {
      turn,
      start() {
        running++;
        state = "runs";
        begin(() => own.leave());
      },
      leave(reason) {
        const before = state;
        state = "left";
        if (before === "runs") {
          running--;
          startNext();
        } else if (before === "waits") {
          const left = (clients.get(client) ?? []).filter((other) => other !== own);
          if (left.length > 0) clients.set(client, left);
          else clients.delete(client);
          waiting--;
          giveUp(reason);
        }
      },
    };
    return own;
  };

  return {
    enter(client, answers) {
      if (answers > all) throw refused("n", `at most ${all} answers, as many as may run and wait`, String(answers));
      if (running + waiting + answers > all) {
        const message = `Too many requests: ${running} are answered and ${waiting} wait. Try again later.`;
        throw new RequestFailure({ status: 429, message, code: "queue_full", retryAfterS: 1 });
      }
      const places = Array.from({ length: answers }, () => placeOf(client));
      for (const place of places) {
        if (running < most.running) {
          place.start();
          continue;
        }
        waiting++;
        clients.set(client, [...(clients.get(client) ?? []), place]);
      }
      let taken = 0;
      return {
        async next(signal) {
          const place = places[taken++];
          const leave = (): void => place.leave(signal.reason);
          if (signal.aborted) leave();
          signal.addEventListener("abort", leave, { once: true });
          try {
            const done = await place.turn;
            signal.throwIfAborted();
            return done;
          } finally {
            signal.removeEventListener("abort", leave);
          }
        },
        end() {
          for (const place of places) place.leave(new DOMException("The request is over.", "AbortError"));
        },
      };
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    get isFull() {
      return running + waiting >= all;
    },
  };
}
