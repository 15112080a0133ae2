// One format compiled and followed for a while, as the model's thread would: how long it takes, or which error it names.
import { compileConstraint } from "../../src/constrain/compile.ts";
import { createConstraint } from "../../src/constrain/constraint.ts";
import { ConstraintError } from "../../src/constrain/error.ts";
import { buildTree, collectVocabulary } from "../../src/constrain/vocabulary.ts";
import { createRandom } from "../../src/sampling/random.ts";
import type { Hostile } from "./hostile-formats.ts";

/** In milliseconds of processor time, which a busy machine does not lengthen. */
export interface Outcome {
  readonly compileMs: number;
  /** Of the masks that were asked for, the slowest. */
  readonly maskMs: number;
  /** What refused it; undefined where it was followed. */
  readonly refused: string | undefined;
}

const SIZE = 65_536;
const STOP = SIZE - 1;
const STEPS = 40;
const PIECES = [
  '"',
  '":',
  '": "',
  '{"',
  '"}',
  "[",
  "]",
  "[[",
  "]]",
  "{}",
  ", ",
  ",",
  "a",
  "aa",
  "aaaa",
  "b",
  "k",
  "0",
  "1",
  "e",
  " ",
  "\n",
];

/** All bytes, and pieces of JSON, words and digits joined at random: as many as LFM2 has. */
const vocabulary = buildTree(
  (() => {
    const random = createRandom(1);
    const draw = (count: number): number => Math.floor(random() * count);
    const encoder = new TextEncoder();
    const tokens = Array.from({ length: STOP }, (_, id) => {
      if (id < 256) return Uint8Array.of(id);
      const letters = Array.from({ length: 1 + draw(8) }, () => String.fromCharCode(97 + draw(26))).join("");
      const pieces = Array.from({ length: 1 + draw(4) }, () => PIECES[draw(PIECES.length)]).join("");
      return encoder.encode([letters, ` ${letters}`, pieces, `${pieces}${letters}`][draw(4)]);
    });
    return collectVocabulary(SIZE, (id) => tokens[id]);
  })(),
);

function since(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** @throws whatever is no ConstraintError */
export function tryFormat({ request }: Hostile, seed: number): Outcome {
  const random = createRandom(seed);
  const begin = process.cpuUsage();
  let maskMs = 0;
  let compileMs = 0;
  try {
    const rules = structuredClone(
      compileConstraint({ ...request, callMarkers: { start: STOP - 2, end: STOP - 1 }, thought: undefined }),
    );
    compileMs = since(begin);
    const constraint = createConstraint({ ...rules, trigger: undefined }, vocabulary, SIZE, [STOP]);
    for (let i = 0; i < STEPS; i++) {
      const asked = process.cpuUsage();
      const mask = constraint.allowed() as Uint32Array;
      maskMs = Math.max(maskMs, since(asked));
      const first = Math.floor(random() * SIZE);
      let id = first;
      while (((mask[id >>> 5] >>> (id & 31)) & 1) === 0) {
        id = (id + 1) % SIZE;
        if (id === first) throw new Error("nothing may follow");
      }
      if (id === STOP) break;
      constraint.accept(id);
    }
    return { compileMs, maskMs, refused: undefined };
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error;
    return { compileMs: since(begin), maskMs, refused: error.message };
  }
}
