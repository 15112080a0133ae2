// Who does an op's work: this thread alone, or every thread of the pool where that is worth the waiting.
import { aligned, type Bank } from "./bank.ts";
import type { SharedArguments } from "./compiled.ts";
import { alone, type Pool, type Share, type SharedKernel } from "./pool.ts";

/** Multiplications from which sharing pays: these take some ten microseconds, waiting for the others two or three. */
const WORTH_SHARING = 1 << 18;

/** Work of an op that does little with each number, per number: in multiplications of a matrix product. */
export const TOUCH = 16;
/** The same where its exponential is taken, and for a key or value that is decoded and meets four heads. */
export const EXP_TOUCH = 40;
export const KV_TOUCH = 3;

/** Working space: where it begins, and how much of it each thread has. */
export type Scratch = Required<Pick<Share, "scratch" | "scratchBytes">>;

/** How an op is shared: its multiplications, its units, of which ranges are multiples of `grain`, and its scratch. */
export interface Work {
  readonly work: number;
  readonly total: number;
  readonly grain?: number;
  readonly scratch?: Scratch;
  readonly rests?: Share["rests"];
}

export class Sharing {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Every thread's, even if one does the work: rehearsals must find the most there will be. */
  scratch(bank: Bank, bytes: number): Scratch {
    const scratchBytes = aligned(bytes);
    return { scratch: bank.allocate(scratchBytes * this.pool.size), scratchBytes };
  }

  run<Kernel extends SharedKernel>(
    bank: Bank,
    kernel: Kernel,
    args: SharedArguments[Kernel],
    { work, total, grain = 1, scratch, rests }: Work,
  ): void {
    const threads = work >= WORTH_SHARING ? this.pool : alone;
    threads.run(bank, kernel, args, { total, grain, rests, ...scratch });
  }
}
