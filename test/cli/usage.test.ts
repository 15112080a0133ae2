import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { golden, lfm2, lfm2Process } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-usage-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const nano = `${golden}nano/lfm2-nano-Q4_0.gguf`;
const small = `${golden}transformers/moe-small`;

/** [arguments, what the error says] */
const wrongUsage: readonly [string, string][] = [
  ["", "command: expected one of those above, found none."],
  ["fly", "unknown command 'fly'."],
  ["--fast", "unknown option '--fast'."],
  ["run --tmp 1 -p x", "unknown option '--tmp' (Did you mean --temp?). `lfm2 run --help` tells more."],
  ["chat --json", "unknown option '--json'."],
  ["logits --temp 1 --ids 1", "unknown option '--temp'"],
  ["inspect --backend wasm", "unknown option '--backend'"],
  ["run -p", "option '-p, --prompt <text>' argument missing."],
  ["run -p x y", "too many arguments for 'run'. Expected 0 arguments but got 1"],
  ["run", 'run: expected a prompt from -p, -f or standard input, found none. Try: lfm2 run -p "Hello!"'],
  [
    "run -p x --temp warm",
    '--temp: expected 0 (always the most likely id) or a number from 0.001 to 100, found "warm".',
  ],
  ["run -p x --temp -1", "--temp: expected 0 (always the most likely id) or a number from 0.001 to 100, found -1."],
  ["run -p x --top-k 1.5", "--top-k: expected an integer ≥ 0 (0 keeps all), found 1.5."],
  ["run -p x --top-p 0", "--top-p: expected a number above 0, up to 1 (1 keeps all), found 0."],
  ["run -p x --min-p 2", "--min-p: expected a number from 0 to 1 (0 keeps all), found 2."],
  ["chat --repeat-penalty 0", "--repeat-penalty: expected a number from 0.01 to 100 (1 is off), found 0."],
  ["chat -s one", '--seed: expected an integer from −(2⁵³ − 1) to 2⁵³ − 1, or a bigint, found "one".'],
  ["chat -n 0", '--max-tokens: expected an integer of at least 1, found "0".'],
  ["chat -c many", '--context: expected an integer of at least 1, found "many".'],
  ...["inspect", "tokenize", "template", "quantize m.gguf", "convert m.gguf", "chat"].map(
    (command): [string, string] => [
      `${command} --stall-timeout 0`,
      '--stall-timeout: expected an integer from 1 to 86400, found "0".',
    ],
  ),
  ["chat --backend gpu", '--backend: expected wasm or reference, found "gpu".'],
  ["chat --mode int4", '--mode: expected exact or int8, found "int4".'],
  ["chat --kv-type q4", '--kv-type: expected f32 or f16 or int8, found "q4".'],
  ["run -p x --greedy --temp 1", "option '--greedy' cannot be used with option '--temp <number>'"],
  ["run -p x --raw --system y", "option '--raw' cannot be used with option '--system <text>'"],
  ["run -p x --raw --tools y", "option '--raw' cannot be used with option '--tools <file>'"],
  ["chat --tool-cmd ./x.sh", "--tool-cmd: expected --tools FILE beside it, found none."],
  ["chat --tool-timeout 0", '--tool-timeout: expected an integer of at least 1, found "0".'],
  ["logits", "logits: expected --ids or --prompt, found neither."],
  ["logits --ids 1,a", '--ids: expected token ids such as 1,2,3, found "1,a".'],
  ["logits --ids=-1", '--ids: expected token ids such as 1,2,3, found "-1".'],
  ["logits --ids 1 -p x", "option '-p, --prompt <text>' cannot be used with option '--ids <ids>'"],
  // Known only once the model is.
  ["logits --ids 1,2048", "--ids: expected token ids in [0, 2048), found 2048 at index 1."],
  ["inspect -c 5000", "--context: expected an integer in [1, 4096] (max_position_embeddings), found 5000."],
  ["run -p x -c 5000", "--context: expected an integer in [1, 4096] (max_position_embeddings), found 5000."],
  ["run -p x --backend reference --mode int8", '--mode: expected "exact" with the reference backend, found "int8".'],
  [`inspect ${nano} -m ${nano}`, "--model: expected one model, found"],
];

describe("wrong usage ends with 2 and says why", () => {
  for (const [line, message] of wrongUsage) {
    it(`lfm2 ${line.replaceAll(golden, "golden/")}`, async () => {
      const { code, stdout, stderr } = await lfm2(line.split(" ").filter(Boolean));
      expect(stderr).toContain(`error: ${message}`);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).not.toMatch(/^ {4}at /m);
    });
  }
});

describe("a run that fails ends with 1 and says why, in one paragraph", () => {
  const failures: readonly [what: string, args: () => string[], message: RegExp][] = [
    [
      "a missing file",
      () => ["run", "-p", "x", "-m", "no.gguf"],
      /no\.gguf: expected a GGUF file or a model folder, found nothing/,
    ],
    [
      "a file that is no model",
      () => ["chat", "-m", `${golden}nano/README.md`],
      /expected a GGUF or safetensors file, found neither/,
    ],
    ["a folder without a model", () => ["inspect", folder], /expected config\.json, found no such file/],
    ["another architecture", () => ["inspect", foreign()], /expected model_type "lfm2_moe" or "lfm2", found "llama"/],
    [
      "a model without tokenizer",
      () => ["run", "-p", "x", "-m", small],
      /moe-small: expected a tokenizer in the model's files, found none/,
    ],
    [
      "a model with a damaged tokenizer",
      () => ["logits", "-p", "x", "-m", `${golden}gguf/Q4_K.gguf`],
      /Q4_K: tokenizer\.ggml\.merges\[0\] joins .*lfm2 logits --ids works without one/,
    ],
    ["a prompt file that is not there", () => ["run", "-f", "no.txt"], /no\.txt: expected a text file, found ENOENT/],
    [
      "a prompt longer than the context",
      () => ["run", "-p", "a b c d e f g", "-c", "4"],
      /prompt: expected at most 4 .*larger --context/,
    ],
    [
      "a tools file that is not there",
      () => ["chat", "--tools", "no.json"],
      /no\.json: expected a list of tools as JSON, found ENOENT\. Check the path\./,
    ],
    [
      "a tools file that is not JSON",
      () => ["run", "-p", "x", "--tools", `${golden}nano/README.md`],
      /README\.md: expected a list of tools as JSON, found Unexpected token/,
    ],
    [
      "a tool without a name",
      () => ["run", "-p", "x", "--tools", nameless()],
      /tools\[1\]: expected a function with a name, found none\./,
    ],
    [
      "an output folder that is not there",
      () => ["logits", "--ids", "1", "-o", "no/x"],
      /no\/x: expected a folder no to write into, found none/,
    ],
    [
      "an output that is a folder",
      () => ["logits", "--ids", "1", "-o", folder],
      /expected a file name, found a folder/,
    ],
  ];
  for (const [what, args, message] of failures) {
    it(what, async () => {
      const { code, stdout, stderr } = await lfm2(args());
      expect([code, stdout]).toEqual([1, ""]);
      const error = stderr.slice(stderr.indexOf("error: "));
      expect(error).toMatch(message);
      expect(error.trimEnd().split("\n")).toHaveLength(1);
    });
  }

  it("with the stack when LFM2_DEBUG=1", async () => {
    const { code, stderr } = await lfm2Process(["inspect", "no.gguf"], { env: { LFM2_DEBUG: "1" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: SourceError: no\.gguf: .*\n {4}at /m);
  });

  function nameless(): string {
    const path = join(folder, "tools.json");
    writeFileSync(path, '[{"name": "f"}, {"parameters": {}}]');
    return path;
  }

  function foreign(): string {
    writeFileSync(join(folder, "config.json"), '{"model_type": "llama"}');
    writeFileSync(join(folder, "model.safetensors"), "");
    return join(folder, "model.safetensors");
  }
});

describe("help", () => {
  for (const command of ["chat", "run", "inspect", "logits"]) {
    it(`of ${command} has examples and goes to standard output`, async () => {
      const { code, stdout, stderr } = await lfm2([command, "--help"]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`Usage: lfm2 ${command}`);
      expect(stdout).toContain("Examples:");
    });
  }

  it("lists the commands, and there is a version", async () => {
    const help = await lfm2(["--help"]);
    for (const command of ["chat", "run", "inspect", "logits"])
      expect(help.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect((await lfm2(["help", "run"])).stdout).toContain("Usage: lfm2 run");
    expect((await lfm2(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
