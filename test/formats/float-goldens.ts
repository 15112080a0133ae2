// Golden GGUF files too large to keep: made again, byte for byte, from their safetensors weights and the metadata of
// a small golden file of the same model.
import { join } from "node:path";
import { blockFormats, encodeBlocks, type FormatName } from "../../src/blocks/formats.ts";
import { readGgufHeader } from "../../src/formats/gguf/gguf.ts";
import { nameOfGgufTensor } from "../../src/formats/gguf/names.ts";
import type { GgufValue } from "../../src/formats/gguf/value.ts";
import { scalar } from "../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { diskFolder, openFile } from "../../src/sources/disk.ts";
import { writeGguf } from "./gguf/gguf-writer.ts";
import { closeAll, floatsOf, goldenFolder } from "./golden-files.ts";

/** `golden/gguf/F32.gguf` and so on, as make_golden_gguf.py wrote it. */
export function floatGolden(format: "F32" | "F16" | "BF16"): Promise<Uint8Array<ArrayBuffer>> {
  return remake({
    weights: join(goldenFolder, "transformers/moe-wide-heads"),
    template: join(goldenFolder, "gguf/Q8_0.gguf"),
    metadata: { "general.name": scalar("str", `golden ${format}`) },
    instead: { Q8_0: format },
  });
}

/** `lfm2-nano-Q8_0.gguf`, as the nano model's export.py wrote it. */
export function nanoQ8(): Promise<Uint8Array<ArrayBuffer>> {
  return remake({
    weights: join(goldenFolder, "nano/hf"),
    template: join(goldenFolder, "nano/lfm2-nano-Q4_0.gguf"),
    metadata: { "general.file_type": scalar("u32", 7) },
    instead: { Q4_0: "Q8_0" },
  });
}

interface Recipe {
  /** A Hugging Face folder. */
  readonly weights: string;
  /** A GGUF file with the same tensors in the same order. */
  readonly template: string;
  /** What to say otherwise than the template. */
  readonly metadata: Readonly<Record<string, GgufValue>>;
  /** The template's format → the one to write; others stay. */
  readonly instead: Partial<Record<FormatName, FormatName>>;
}

async function remake({ weights, template, metadata, instead }: Recipe): Promise<Uint8Array<ArrayBuffer>> {
  const source = await openFile(template);
  const header = await readGgufHeader(source);
  await source.close();
  const checkpoint = await openCheckpoint(diskFolder(weights), undefined);
  const formats = new Map(Object.values(blockFormats).map((format) => [format.ggmlType, format]));
  const tensors = [];
  for (const { name, shape, ggmlType } of header.entries) {
    const old = formats.get(ggmlType)?.name as FormatName;
    const format = blockFormats[instead[old] ?? old];
    const floats = await floatsOf(checkpoint, nameOfGgufTensor(name) as string);
    tensors.push({ name, shape, ggmlType: format.ggmlType, data: encodeBlocks(format, floats) });
  }
  await closeAll(checkpoint);
  return writeGguf(new Map([...header.metadata, ...Object.entries(metadata)]), tensors);
}
