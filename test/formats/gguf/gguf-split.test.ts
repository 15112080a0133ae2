import { describe, expect, it } from "vitest";
import { scalar } from "../../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { bytesOf } from "../golden-files.ts";
import { folderOf, tinyGguf, tinyMetadata, tinyTensors } from "../tiny-model.ts";
import { writeGguf } from "./gguf-writer.ts";
import { names, splitFiles } from "./split-files.ts";

const open = (files: Record<string, Uint8Array<ArrayBuffer>>, name = names[0]) => openCheckpoint(folderOf(files), name);

describe("a GGUF model in three files", () => {
  it("opens as the same model in one", async () => {
    const one = await openCheckpoint(folderOf({ "m.gguf": tinyGguf() }), "m.gguf");
    const three = await open(splitFiles());
    expect(three.container).toBe("GGUF v3, 3 files");
    expect(three.files.map(({ name }) => name)).toEqual(names);
    expect(three.config).toEqual(one.config);
    expect(three.tokenizer).toEqual({ ...one.tokenizer, file: names[0] });
    expect([...three.tensors.keys()]).toEqual([...one.tensors.keys()]);
    for (const [name, tensor] of three.tensors) {
      const same = one.tensors.get(name)!;
      expect([tensor.format, tensor.shape]).toEqual([same.format, same.shape]);
      expect(await bytesOf(three, tensor)).toEqual(await bytesOf(one, same));
    }
  });

  it("opens when the first holds metadata alone", async () => {
    const metadata = tinyMetadata()
      .set("split.no", scalar("u16", 0))
      .set("split.count", scalar("u16", 2))
      .set("split.tensors.count", scalar("i32", tinyTensors().length));
    const second = new Map([
      ["split.no", scalar("u16", 1)],
      ["split.count", scalar("u16", 2)],
    ]);
    const files = {
      "m-00001-of-00002.gguf": writeGguf(metadata, []),
      "m-00002-of-00002.gguf": writeGguf(second, tinyTensors()),
    };
    expect((await open(files, "m-00001-of-00002.gguf")).tensors.size).toBe(tinyTensors().length);
  });

  const MIXED = "The files belong to different models or are incomplete; fetch all of them.";
  const { [names[1]]: second, ...withoutSecond } = splitFiles();
  const renamed = { ...splitFiles(), "x-00001-of-00004.gguf": splitFiles()[names[0]] };
  const wrong: [string, Record<string, Uint8Array<ArrayBuffer>>, string, string][] = [
    [
      "a missing file",
      withoutSecond,
      names[0],
      `model: expected ${names[1]} beside ${names[0]}, found no such file. Fetch all of the files.`,
    ],
    [
      "another file than the first",
      splitFiles(1, { no: 1 }),
      names[1],
      `${names[1]}, split.no: expected 0, the first of the files, found 1. Open the one named …-00001-of-….gguf.`,
    ],
    [
      "a name that states another count",
      renamed,
      "x-00001-of-00004.gguf",
      'x-00001-of-00004.gguf: expected a file name ending in -00001-of-00003.gguf, found "x-00001-of-00004.gguf". ' +
        "Give the files their original names back.",
    ],
    [
      "files in another order",
      splitFiles(1, { no: 2 }),
      names[0],
      `${names[1]}, split.no: expected 1, found 2. ${MIXED}`,
    ],
    [
      "a file of a set of another size",
      splitFiles(2, { count: 4 }),
      names[0],
      `${names[2]}, split.count: expected 3, found 4. ${MIXED}`,
    ],
    [
      "fewer tensors than stated",
      splitFiles(0, { total: 24 }),
      names[0],
      `${names[0]}, split.tensors.count: expected 24 tensors in 3 files, found 23. ${MIXED}`,
    ],
    [
      "a tensor that two files hold",
      { ...splitFiles(), [names[1]]: withTensorOfFirst() },
      names[0],
      `${names[0]}, token_embd.weight: expected one tensor for model.embed_tokens.weight, found two. ` +
        "Take another copy of the model.",
    ],
  ];
  for (const [what, files, name, message] of wrong) {
    it(`is refused for ${what}`, async () => {
      await expect(open(files, name)).rejects.toMatchObject({ name: "FormatError", message });
    });
  }
});

function withTensorOfFirst(): Uint8Array<ArrayBuffer> {
  const metadata = [
    ["split.no", scalar("u16", 1)],
    ["split.count", scalar("u16", 3)],
  ] as const;
  return writeGguf(metadata, tinyTensors().slice(0, 1));
}
