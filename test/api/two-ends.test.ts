import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { open } from "../../src/index.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`../../golden/${name}`, import.meta.url)));
const parse = (name: string) => JSON.parse(new TextDecoder().decode(read(name)));
const golden: {
  max_new_tokens: number;
  prompts: number[][];
  cases: { config: number | number[]; generation_config: number | number[] | null; ids: number[][] }[];
} = parse("text/two-ends.json");
// The others end as one of these does.
const cases = golden.cases.filter((_, i) => [2, 3, 5].includes(i));

it.each(cases)("answers end where transformers ends them: $config, $generation_config", async (wanted) => {
  const settings = (name: string, eos: unknown) => JSON.stringify({ ...parse(name), eos_token_id: eos });
  const files = [
    new File([read("nano/hf/model.safetensors")], "model.safetensors"),
    new File([settings("nano/hf/config.json", wanted.config)], "config.json"),
    new File([read("nano/hf/tokenizer.json")], "tokenizer.json"),
    new File([read("nano/hf/tokenizer_config.json")], "tokenizer_config.json"),
  ];
  if (wanted.generation_config !== null) {
    const text = settings("nano/hf/generation_config.json", wanted.generation_config);
    files.push(new File([text], "generation_config.json"));
  }
  const model = await open(files, { mode: "exact", contextLength: 64, threads: 1 });
  const ends = [wanted.config, wanted.generation_config ?? []].flat();
  for (const [i, prompt] of golden.prompts.entries()) {
    const found: number[] = [];
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: golden.max_new_tokens };
    for await (const id of model.generate(prompt, options)) found.push(id);
    const ids = wanted.ids[i];
    expect(ends).toContain(ids.at(-1));
    expect(found).toEqual(ids);
  }
  await model.close();
});
