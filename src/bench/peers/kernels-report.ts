// `npm run bench -- --kernels`: measures every kernel in each build that this engine can run, and prints tables.
import { parseArgs } from "node:util";
import type { FormatName } from "../../blocks/formats.ts";
import type { ArithmeticMode } from "../../ops/backend.ts";
import { formatInteger, threeDigits } from "../../quantities.ts";
import { usableBuilds } from "../../wasm/kernels.ts";
import { machineFacts, machineLine } from "../product/machine.ts";
import { markdownTable, rangeText } from "../product/table.ts";
import { createReadLimit } from "../read-limit/read-limit.ts";
import {
  type AttentionFigures,
  benchAttention,
  benchFormat,
  COLS,
  type FormatFigures,
  KERNEL_FORMATS,
  KV_TYPES,
  POSITIONS,
  ROWS,
  TOKENS,
} from "./kernels.ts";

export interface KernelsRun {
  readonly kind: "lfm2 bench kernels";
  readonly date: string;
  readonly machine: ReturnType<typeof machineFacts>;
  readonly mode: ArithmeticMode;
  /** Bytes per second on one thread. */
  readonly readLimit: number;
  readonly formats: readonly FormatFigures[];
  readonly attention: readonly AttentionFigures[];
}

/** @throws TypeError for unknown flags, as `parseArgs` words it */
export async function runKernels(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      formats: { type: "string", default: KERNEL_FORMATS.join(",") },
      mode: { type: "string", default: "int8" },
      mb: { type: "string", default: "256" },
      json: { type: "boolean", default: false },
    },
  });
  const bytes = Number(values.mb) * 2 ** 20;
  const wanted = values.formats.split(",");
  const unknown = wanted.find((name) => !(KERNEL_FORMATS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new TypeError(`--formats: expected ${KERNEL_FORMATS.join(", ")}, found ${unknown}.`);
  const { mode } = values;
  if (mode !== "int8" && mode !== "exact") throw new TypeError(`--mode: expected int8 or exact, found ${mode}.`);
  if (!(bytes > 0)) throw new TypeError(`--mb: expected a number above 0, found ${values.mb}.`);
  const run = await measureKernels(wanted as FormatName[], mode, bytes);
  process.stdout.write(values.json ? `${JSON.stringify(run, null, 2)}\n` : reportKernels(run));
}

export async function measureKernels(
  names: readonly FormatName[],
  mode: ArithmeticMode,
  bytes: number,
): Promise<KernelsRun> {
  const limit = await createReadLimit(1);
  const readLimit = await limit.measure(1);
  await limit.close();
  const formats: FormatFigures[] = [];
  const attention: AttentionFigures[] = [];
  // Builds take turns, so that a change of the machine's speed affects both.
  for (const format of names)
    for (const build of usableBuilds().toReversed()) formats.push(await benchFormat(format, build, bytes, mode));
  for (const kvType of KV_TYPES)
    for (const build of usableBuilds().toReversed()) attention.push(await benchAttention(kvType, build, bytes));
  return {
    kind: "lfm2 bench kernels",
    date: new Date().toISOString(),
    machine: machineFacts(),
    mode,
    readLimit,
    formats,
    attention,
  };
}

export function reportKernels({ machine, mode, readLimit, formats, attention }: KernelsRun): string {
  const giga = (value: number): string => threeDigits(value / 1e9);
  const products = formats.map(({ format, build, gemv, gemm, pack }) => [
    format,
    build,
    rangeText(gemv, giga),
    rangeText(gemm, giga),
    giga(pack),
  ]);
  const attended = attention.map(({ kvType, build, perPosition }) => [
    kvType,
    build,
    rangeText(perPosition, (seconds) => threeDigits(seconds * 1000 * 1e6)),
  ]);
  return `${[
    `${mode === "exact" ? "Exact mode" : "int8 mode"}, one thread; ${machineLine(machine)}. Median (lowest–highest). Read limit: ${giga(readLimit)} GB/s.`,
    "",
    markdownTable(
      ["format", "build", "GEMV, GB/s:", `GEMM ${ROWS} × ${COLS} × ${TOKENS}, GOPS:`, "packing, GB/s:"],
      products,
    ),
    "",
    markdownTable(
      ["KV", "build", `attention at ${formatInteger(POSITIONS)}, µs per 1,000 positions and layer:`],
      attended,
    ),
  ].join("\n")}\n`;
}
