// Pairs of runs without a mistake, as clean_pairs.py and this project record them: what `lfm2 compare -m` makes of each.
//
//   python golden/make/clean_pairs.py FOLDER
//   node --import ./assembly/read-typescript.js test/oracle/clean-pairs.ts FOLDER [--list] [way or model …]
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "../../src/cli/exit.ts";
import { lfm2 } from "../../src/cli/program.ts";
import { type CleanPair, judged, type Ran, recordedPairs } from "./clean-pair.ts";

const golden = new URL("../../golden/", import.meta.url).pathname;

/** What this project records of the same ids in other ways: flags of `lfm2 trace`, and what tells the truth about it. */
const ways: readonly (readonly [way: string, flags: readonly string[], verdicts: readonly string[]])[] = [
  ["reference backend", ["--backend", "reference"], ["equal"]],
  ["one thread", ["--threads", "1"], ["equal"]],
  ["baseline kernels", ["--kernels", "baseline"], ["equal"]],
  ["from position 5", ["--positions", "5:"], ["equal"]],
  ["positions 2 to 9", ["--positions", "2:9"], ["equal"]],
  ["some points", ["--points", "model.layers.*", "lm_head"], ["equal"]],
  ["feed-forwards alone", ["--points", "**.feed_forward.**"], ["equal"]],
  ["f16 cache", ["--kv-type", "f16"], ["equal", "rounding", "near-ties"]],
  ["int8 cache", ["--kv-type", "int8"], ["equal", "rounding", "near-ties"]],
  ["int8 mode", ["--mode", "int8"], ["equal", "rounding", "near-ties"]],
  ["int8 mode and cache", ["--mode", "int8", "--kv-type", "int8"], ["equal", "rounding", "near-ties"]],
];

/** The same ids recorded here; what was recorded before stays. */
async function ours(folder: string, models: ReadonlyMap<string, string>): Promise<CleanPair[]> {
  const pairs: CleanPair[] = [];
  for (const [name, model] of models) {
    for (const [way, flags, verdicts] of ways) {
      const trace = join(folder, name, way.replaceAll(" ", "-"));
      if (!existsSync(trace)) {
        const { stderr } = await run(["trace", "-m", model, "--ids", IDS, ...flags, "-o", trace]);
        if (!existsSync(join(trace, "trace.json"))) throw new Error(stderr);
      }
      pairs.push({ model: name, way, arguments: ["-m", model, trace], verdicts });
    }
  }
  return pairs;
}

const IDS = "1,17,33,20,9,8,50,61,44,12,30,71,66,19";

/** The goldens themselves, which hold every module's output. */
function committed(): CleanPair[] {
  const suite = join(golden, "transformers");
  const folders = readdirSync(suite).filter((name) => existsSync(join(suite, name, "config.json")));
  return folders.flatMap((name) =>
    readdirSync(join(suite, name))
      .filter((file) => /^len\d+\.safetensors$/.test(file))
      .map((file) => ({
        model: name,
        way: file.replace(".safetensors", ""),
        arguments: ["-m", join(suite, name), join(suite, name, file)],
        verdicts: ["equal"],
      })),
  );
}

/** The command in this process, its output kept. */
async function run(args: readonly string[]): Promise<Ran> {
  const kept = { stdout: "", stderr: "" };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  const keep = (name: keyof Ran) => (chunk: unknown) => {
    kept[name] += String(chunk);
    return true;
  };
  [stdout.write, stderr.write] = [keep("stdout"), keep("stderr")] as typeof writes;
  try {
    await lfm2(args);
  } catch (error) {
    kept.stderr += `error: ${describeError(error)}\n`;
  } finally {
    [stdout.write, stderr.write] = writes;
    process.exitCode = 0;
  }
  return kept;
}

async function main([folder, ...rest]: readonly string[]): Promise<void> {
  const wanted = rest.filter((argument) => !argument.startsWith("--"));
  const isWanted = ({ model, way }: CleanPair): boolean =>
    wanted.length === 0 || wanted.includes(way) || wanted.includes(model);
  const foreign = recordedPairs(folder);
  const models = new Map(foreign.map((pair) => [pair.model, pair.folder]));
  const all = [...foreign, ...committed(), ...(await ours(folder, models))];
  const counts = new Map<string, [pairs: number, alarms: number]>();
  for (const pair of all.filter(isWanted)) {
    const { isTrue, says } = await judged(pair, run);
    for (const key of ["all", pair.model, pair.way]) {
      const [pairs, alarms] = counts.get(key) ?? [0, 0];
      counts.set(key, [pairs + 1, alarms + Number(!isTrue)]);
    }
    if (!isTrue || rest.includes("--list")) console.log(`${isTrue ? "" : "WRONG "}${pair.model}, ${pair.way}: ${says}`);
  }
  console.log(`${"".padEnd(38)}  pairs  wrong`);
  for (const [key, [pairs, alarms]] of counts)
    console.log(`${key.padEnd(38)}${`${pairs}`.padStart(7)}${`${alarms}`.padStart(7)}`);
}

await main(process.argv.slice(2));
