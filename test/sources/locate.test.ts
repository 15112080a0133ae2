import { describe, expect, it } from "vitest";
import { locateBlobs } from "../../src/sources/locate.ts";

/** As a browser gives them for a picked folder: with a path, and the name alone. */
function picked(path: string, content = path): File {
  const file = new File([content], path.split("/").at(-1) as string);
  Object.defineProperty(file, "webkitRelativePath", { value: path });
  return file;
}
const chosen = (...names: string[]) => names.map((name) => new File([name], name));

async function contentOf({ folder }: ReturnType<typeof locateBlobs>, name: string): Promise<string | undefined> {
  const source = await folder.open(name);
  return source && new TextDecoder().decode(await source.read(0, source.size));
}

describe("a list of Files", () => {
  it("of a picked folder is what lies in the folder itself", async () => {
    const paths = [
      "m/config.json",
      "m/model.safetensors",
      "m/checkpoint-10/model.safetensors",
      "m/original/tokenizer.json",
    ];
    for (const files of [paths, paths.toReversed()]) {
      const location = locateBlobs(files.map((path) => picked(path)));
      expect(location.file).toBeUndefined();
      expect(await contentOf(location, "model.safetensors")).toBe("m/model.safetensors");
      expect(await contentOf(location, "tokenizer.json")).toBeUndefined();
      expect([...((await location.folder.list?.()) ?? [])].sort()).toEqual(["config.json", "model.safetensors"]);
    }
  });

  it("is refused where two have one name", () => {
    const message =
      "files: expected each name once, found two files named model.safetensors. Choose one model's files.";
    for (const files of [
      chosen("config.json", "model.safetensors", "model.safetensors"),
      [picked("a/model.safetensors"), picked("b/model.safetensors")],
    ]) {
      expect(() => locateBlobs(files)).toThrow(message);
    }
  });

  it("of one File is that file, whatever its name: its first bytes tell what it is", () => {
    for (const name of ["sha256-9e5ab3", "model.GGUF", "model.bin", "m.gguf"]) {
      expect(locateBlobs(chosen(name)).file).toBe(name);
      expect(locateBlobs([picked(`blobs/${name}`)]).file).toBe(name);
    }
  });

  it("is a Hugging Face folder where it has config and weights, and else its GGUF file", () => {
    expect(locateBlobs(chosen("config.json", "model.safetensors", "m.gguf")).file).toBeUndefined();
    expect(locateBlobs(chosen("config.json", "README.md", "m.GGUF")).file).toBe("m.GGUF");
    expect(locateBlobs(chosen("m-00002-of-00002.gguf", "m-00001-of-00002.gguf")).file).toBe("m-00001-of-00002.gguf");
    expect(() => locateBlobs(chosen("a.gguf", "b.GGUF"))).toThrow("found 2 GGUF files: a.gguf, b.GGUF. Choose one.");
  });
});
