// Where calls return to. Many readings of a text may be under way at once, each with a stack of its own; stacks that
// differ are kept together as one set, so that their number does not grow with the readings.

/** The set of the one stack that has nothing on it. */
export const EMPTY = 0;
/** Grammars have at most 2¹⁸ states; two numbers of sets below 2²⁶ fit beside each other in one exact number. */
const POSITIONS = 2 ** 18;
const SETS = 2 ** 26;

/** Sets of stacks, each kept once under a number. A set is a list of frames: where to return to, and what lies below. */
export class Stacks {
  /** Of each set: return and set below, alternating, by ascending returns, each of which is there once. */
  readonly #frames: Uint32Array[] = [new Uint32Array(0)];
  readonly #heights = [0];
  readonly #single = new Map<number, number>();
  readonly #several = new Map<string, number>();
  readonly #unions = new Map<number, number>();

  /** How many frames are kept. */
  get size(): number {
    return this.#frames.length + this.#unions.size;
  }

  /** Frames of the highest stack in a set. */
  height(set: number): number {
    return this.#heights[set];
  }

  framesOf(set: number): Uint32Array {
    return this.#frames[set];
  }

  push(to: number, below: number): number {
    const key = below * POSITIONS + to;
    const known = this.#single.get(key);
    if (known !== undefined) return known;
    const made = this.#keep(Uint32Array.of(to, below));
    this.#single.set(key, made);
    return made;
  }

  union(a: number, b: number): number {
    if (a === b) return a;
    const key = Math.min(a, b) * SETS + Math.max(a, b);
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const [x, y] = [this.#frames[a], this.#frames[b]];
    const merged: number[] = [];
    for (let i = 0, j = 0; i < x.length || j < y.length; ) {
      if (j === y.length || x[i] < y[j]) {
        merged.push(x[i], x[i + 1]);
        i += 2;
      } else if (i === x.length || y[j] < x[i]) {
        merged.push(y[j], y[j + 1]);
        j += 2;
      } else {
        merged.push(x[i], this.union(x[i + 1], y[j + 1]));
        i += 2;
        j += 2;
      }
    }
    const made = this.#ofFrames(merged);
    this.#unions.set(key, made);
    return made;
  }

  /** Copies sets into another collection of them. */
  copier(into: Stacks): (set: number) => number {
    const copied = new Map([[EMPTY, EMPTY]]);
    const copy = (set: number): number => {
      const known = copied.get(set);
      if (known !== undefined) return known;
      const made = into.#ofFrames(Array.from(this.#frames[set], (part, i) => (i % 2 === 0 ? part : copy(part))));
      copied.set(set, made);
      return made;
    };
    return copy;
  }

  #ofFrames(frames: readonly number[]): number {
    if (frames.length === 2) return this.push(frames[0], frames[1]);
    const key = frames.join();
    const known = this.#several.get(key);
    if (known !== undefined) return known;
    const made = this.#keep(Uint32Array.from(frames));
    this.#several.set(key, made);
    return made;
  }

  #keep(frames: Uint32Array): number {
    let below = 0;
    for (let i = 1; i < frames.length; i += 2) below = Math.max(below, this.#heights[frames[i]]);
    this.#heights.push(below + 1);
    return this.#frames.push(frames) - 1;
  }
}
