import { describe, expect, it } from "vitest";
import { writeSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { bytesOf } from "../golden-files.ts";
import { folderOf, hfFolder, tinyConfig, tinyHfTensors } from "../tiny-model.ts";

const fileName = (i: number) => `model-0000${i + 1}-of-00003.safetensors`;

type Files = Record<string, string | Uint8Array<ArrayBuffer>>;

/** The tiny model dealt out to three files, so that the experts of a stack lie in different ones. */
function shardedFiles(weightMap: Record<string, unknown> = {}): Files {
  const shards = [new Map(), new Map(), new Map()];
  const listed: Record<string, unknown> = {};
  for (const [i, [name, tensor]] of [...tinyHfTensors()].entries()) {
    shards[i % 3].set(name, tensor);
    listed[name] = fileName(i % 3);
  }
  const files: Files = {
    "config.json": JSON.stringify(tinyConfig),
    "model.safetensors.index.json": JSON.stringify({ metadata: {}, weight_map: { ...listed, ...weightMap } }),
  };
  for (const [i, shard] of shards.entries()) files[fileName(i)] = writeSafetensors(shard, new Map([["format", "pt"]]));
  return files;
}

describe("a safetensors checkpoint in three files", () => {
  it("opens as the same model in one", async () => {
    const one = await openCheckpoint(hfFolder(), undefined);
    const three = await openCheckpoint(folderOf(shardedFiles()), undefined);
    expect(three.container).toBe("safetensors, 3 shards");
    expect(three.files.map(({ name }) => name)).toEqual([0, 1, 2].map(fileName));
    expect(three.metadata).toEqual(new Map([["format", "pt"]]));
    expect([...three.tensors.keys()].sort()).toEqual([...one.tensors.keys()].sort());
    for (const [name, tensor] of three.tensors) {
      const same = one.tensors.get(name)!;
      expect([tensor.format, tensor.shape]).toEqual([same.format, same.shape]);
      expect(await bytesOf(three, tensor)).toEqual(await bytesOf(one, same));
    }
  });

  const index = "model.safetensors.index.json";
  const norm = "model.embedding_norm.weight";
  const MIXED = "Index and files belong to different models; fetch all of them again.";
  const { [fileName(1)]: second, ...withoutSecond } = shardedFiles();
  const wrong: [string, Files, string][] = [
    [
      "a missing file",
      withoutSecond,
      `model: expected "${fileName(1)}", which ${index} names, found no such file. Fetch all of the files.`,
    ],
    [
      "a tensor that is in another file than listed",
      shardedFiles({ [norm]: fileName(0) }),
      `${fileName(1)}, ${norm}: expected it in "${fileName(0)}", found it here. ${MIXED}`,
    ],
    [
      "a tensor that is nowhere",
      shardedFiles({ missing: fileName(2) }),
      `${index}, missing: expected it in "${fileName(2)}", found it nowhere. ${MIXED}`,
    ],
    [
      "a tensor that is not listed",
      shardedFiles({ [norm]: undefined }),
      `${fileName(1)}, ${norm}: expected it in no file, found it here. ${MIXED}`,
    ],
    [
      "an index without files",
      { ...shardedFiles(), [index]: "{}" },
      `${index}, weight_map: expected an object of file names, found nothing. ` +
        "The file is damaged or cut short; fetch it again.",
    ],
    ...["../secret.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "model.bin", 5].map(
      (path): [string, Files, string] => [
        `a file named ${path}`,
        shardedFiles({ [norm]: path }),
        `${index}, ${norm}: expected the name of a .safetensors file in the same folder, found ${JSON.stringify(path)}. ` +
          "Take another copy of the model.",
      ],
    ),
  ];
  for (const [what, files, message] of wrong) {
    it(`is refused for ${what}`, async () => {
      await expect(openCheckpoint(folderOf(files), undefined)).rejects.toMatchObject({ name: "FormatError", message });
    });
  }
});
