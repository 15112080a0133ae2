// How fast each step reads its weights on this machine: npm run bench -- --steps
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { benchFormat } from "../../src/bench/peers/kernels.ts";
import { randomBlocks } from "../../src/bench/peers/random-blocks.ts";
import { createReadLimit } from "../../src/bench/read-limit/read-limit.ts";
import { compileStep, instantiateStep } from "./compile-step.ts";
import * as loops from "./loops.ts";

const COLS = 2048;
const ROW_BYTES = (COLS / loops.BLOCK_COLS) * loops.BLOCK_BYTES;
/** Weights that no cache holds. */
const ROWS = 16 * 10_240; // 189 MB
const EXPERTS = 32;
const CHOSEN = 4;
const ROUNDS = 5;

// Where things lie in the steps' memory.
const CHOICES = 1024;
const X = 4096;
const Y = 1 << 16;
const W = 1 << 20;
const FROM = W + ROWS * ROW_BYTES;
const PAGES = Math.ceil((FROM + ROWS * ROW_BYTES) / 65536);

interface ThreadTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly first: number;
  readonly rows: number;
}

/** Another thread's half of the rows, each time the first word changes. */
function helpForever({ module, memory, words, first, rows }: ThreadTask): never {
  const { gemv } = instantiateStep(module, memory);
  for (let seen = 0; ; seen++) {
    Atomics.wait(words, 0, seen);
    gemv(Y + 4 * first, W + first * ROW_BYTES, X, rows, COLS);
    Atomics.add(words, 1, 1);
    Atomics.notify(words, 1);
  }
}

/** The fastest of some rounds, since another program can only slow one down. */
function seconds(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    work();
    best = Math.min(best, performance.now() - begin);
  }
  return best / 1000;
}

async function measure(): Promise<void> {
  const limit = await createReadLimit(2);
  const [one, two] = [await limit.measure(1), await limit.measure(2)];
  await limit.close();
  const gb = (bytesPerSecond: number): string => (bytesPerSecond / 1e9).toFixed(2).padStart(6);
  const line = (name: string, rate: number, most: number): void => {
    const share = `${((100 * rate) / most).toFixed(0)} %`.padStart(6);
    process.stdout.write(`${name.padEnd(34)} ${gb(rate)} GB/s ${share}\n`);
  };
  process.stdout.write(`${"step, Q4_0, one token".padEnd(34)} weights      of the read limit\n`);

  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const piece = randomBlocks("Q4_0", 1024 * COLS);
  for (let at = 0; at < ROWS * ROW_BYTES; at += piece.length) bytes.set(piece, FROM + at);
  const x = Float32Array.from({ length: COLS }, (_, i) => Math.sin(i));
  const floats = new Float32Array(memory.buffer, Y, COLS);

  const few = bytes.slice(FROM, FROM + 4096 * ROW_BYTES);
  line("0 loops in TypeScript", few.length / seconds(() => loops.gemv(few, x, 4096)), one);
  const prepared = async (name: string) => {
    const module = await compileStep(name);
    const kernels = instantiateStep(module, memory);
    floats.set(x);
    if (kernels.quantize === undefined) bytes.set(new Uint8Array(x.buffer), X);
    else kernels.quantize(X, Y, COLS);
    if (kernels.pack === undefined) bytes.copyWithin(W, FROM, FROM + ROWS * ROW_BYTES);
    else kernels.pack(W, FROM, ROWS, COLS);
    return { module, ...kernels };
  };
  const names = ["1-blocks", "2-int8", "3-simd", "4-offset", "5-relaxed", "6-rows", "7-streams", "8-registers"];
  for (const name of names) {
    const { gemv } = await prepared(name);
    const rows = name < "3" ? ROWS / 16 : ROWS;
    line(name.replace("-", " "), (rows * ROW_BYTES) / seconds(() => gemv(Y, W, X, rows, COLS)), one);
  }

  const { module, gemv } = await prepared("8-registers");
  const words = new Int32Array(new SharedArrayBuffer(8));
  const half = ROWS / 2;
  const task: ThreadTask = { module, memory, words, first: half, rows: half };
  const helper = new Worker(fileURLToPath(import.meta.url), { workerData: task });
  await new Promise((resolve) => helper.once("message", resolve));
  const together = (): void => {
    const done = Atomics.load(words, 1);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    gemv(Y, W, X, half, COLS);
    Atomics.wait(words, 1, done);
  };
  line("8 the same on two threads", (ROWS * ROW_BYTES) / seconds(together), two);
  await helper.terminate();

  const { gemvOfExperts } = await prepared("9-experts");
  new Int32Array(memory.buffer, CHOICES, CHOSEN).set([3, 11, 12, 30]);
  const expertRows = ROWS / EXPERTS;
  const chosen = () => gemvOfExperts(Y, W, X, CHOICES, CHOSEN, expertRows, COLS);
  line(`9 ${CHOSEN} of ${EXPERTS} experts`, (CHOSEN * expertRows * ROW_BYTES) / seconds(chosen), one);

  const { gemmOfFour, quantize } = await prepared("10-tile");
  const stride = (COLS / 32) * 40;
  for (let token = 0; token < 4; token++) quantize?.(X + token * stride, Y, COLS);
  const tile = seconds(() => gemmOfFour(Y, W, X, stride, 1792, COLS));
  process.stdout.write(
    `${"10 tile, four tokens".padEnd(34)} ${((2 * 4 * 1792 * COLS) / tile / 1e9).toFixed(0).padStart(6)} GOPS\n`,
  );

  // The last step of one token and the shipped kernel, in turns.
  const last = await prepared("8-registers");
  const ratios: number[] = [];
  for (let round = 0; round < 3; round++) {
    const own = (ROWS * ROW_BYTES) / seconds(() => last.gemv(Y, W, X, ROWS, COLS));
    const { gemv: shipped } = await benchFormat("Q4_0", "relaxed", ROWS * ROW_BYTES);
    ratios.push(own / shipped.median);
  }
  ratios.sort((a, b) => a - b);
  process.stdout.write(`step 8 / the shipped kernel, median of three in turns: ${ratios[1].toFixed(2)}\n`);
}

if (isMainThread) await measure();
else {
  parentPort?.postMessage("ready");
  helpForever(workerData as ThreadTask);
}
