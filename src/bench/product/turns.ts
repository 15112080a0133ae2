// Runs that take turns step by step, each with a clock of its own. Machines change their speed within seconds: one run after
// the other would not meet the same machine.

export interface Turn {
  /** Resolves when this run is to take its next step: always the one that has come least far. */
  wait(): Promise<void>;
  /** Its clock begins. */
  begin(): void;
  /** It has come one id further. */
  progress(): void;
  /** It takes no more steps. */
  end(): void;
  /** In its own steps, from `begin` to its last progress. */
  readonly ms: number;
}

export function createTurns(count: number): Turn[] {
  const runs = Array.from({ length: count }, () => ({
    come: 0,
    ms: 0,
    since: 0,
    hasBegun: false,
    isOver: false,
    go: undefined as (() => void) | undefined,
  }));
  const next = (): void => {
    const left = runs.filter(({ isOver }) => !isOver);
    if (left.some(({ go }) => go === undefined)) return; // one is in its step
    const [first] = left.sort((a, b) => a.come - b.come);
    if (first === undefined) return;
    const { go } = first;
    first.go = undefined;
    first.since = performance.now();
    go?.();
  };
  return runs.map((run) => {
    const countTime = (): void => {
      const now = performance.now();
      if (run.hasBegun) run.ms += now - run.since;
      run.since = now;
    };
    return {
      wait() {
        countTime();
        return new Promise((go) => {
          run.go = go;
          next();
        });
      },
      begin() {
        run.hasBegun = true;
        run.since = performance.now();
      },
      progress() {
        countTime();
        run.come++;
      },
      end() {
        run.isOver = true;
        next();
      },
      get ms() {
        return run.ms;
      },
    };
  });
}
