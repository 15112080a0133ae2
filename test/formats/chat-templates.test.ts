import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseTemplate } from "../../src/chat/template-choice.ts";
import { readHfTemplates, templatesOfGguf } from "../../src/formats/chat-templates.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { locateBlobs } from "../../src/sources/locate.ts";
import type { Folder } from "../../src/sources/source.ts";

const golden: {
  cases: {
    name: string;
    stated: unknown;
    files: Record<string, string>;
    without_tools: string | null;
    with_tools: string | null;
  }[];
} = JSON.parse(readFileSync(new URL("../../golden/text/named-templates.json", import.meta.url), "utf8"));

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "lfm2-templates-"));
});
afterAll(() => rmSync(root, { recursive: true }));

function onDisk(name: string, files: Readonly<Record<string, string>>): Folder {
  const folder = join(root, name);
  for (const [path, text] of Object.entries({ "config.json": "{}", ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return diskFolder(folder);
}

/** As a browser gives a picked folder. */
function picked(files: Readonly<Record<string, string>>): Folder {
  const all = Object.entries({ "config.json": "{}", "model.safetensors": "", ...files }).map(([path, text]) => {
    const file = new File([text], path.split("/").at(-1) as string);
    return Object.defineProperty(file, "webkitRelativePath", { value: `model/${path}` });
  });
  return locateBlobs(all).folder;
}

/** As on a web server. */
function unlisted({ name, open, subfolder }: Folder): Folder {
  return {
    name,
    open,
    async subfolder(inner) {
      return unlisted((await subfolder?.(inner)) ?? { name: inner, open: async () => undefined });
    },
  };
}

const choose = (templates: Parameters<typeof chooseTemplate>[0], hasTools: boolean): string | null => {
  try {
    return chooseTemplate(templates, hasTools) ?? null;
  } catch (error) {
    expect((error as Error).name).toBe("ChatError");
    return null;
  }
};

describe("the chat template of a Hugging Face folder", () => {
  it.each(golden.cases)("is the one that transformers takes: $name", async ({ name, stated, files, ...wanted }) => {
    const disk = onDisk(name, files);
    const config = stated === null ? {} : { chat_template: stated };
    // A server is asked for the name that matters.
    const isKnown = Object.keys(files).every((path) => /^[^/]*$|tool_use|\.md$/.test(path));
    for (const folder of [disk, picked(files), ...(isKnown ? [unlisted(disk)] : [])]) {
      const templates = await readHfTemplates(folder, config);
      expect(choose(templates, false)).toBe(wanted.without_tools);
      expect(choose(templates, true)).toBe(wanted.with_tools);
    }
  });

  it("is bounded, and so is the number of them", async () => {
    const large = "x".repeat(2 ** 20 + 1);
    const path = "additional_chat_templates/tool_use.jinja";
    for (const folder of [onDisk("large", { [path]: large }), onDisk("larger", { "chat_template.jinja": large })]) {
      await expect(readHfTemplates(folder, {})).rejects.toThrow("expected at most 1048576 bytes, found 1048577.");
    }
    const file = onDisk("small", {});
    await expect(readHfTemplates(file, { chat_template: large })).rejects.toThrow(
      /tokenizer_config\.json, chat_template: expected a template of at most 1048576 characters, found 1048577\./,
    );
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`additional_chat_templates/${i}.jinja`, ""]));
    await expect(readHfTemplates(onDisk("many", many), {})).rejects.toThrow(
      "expected at most 32 chat templates, found 33.",
    );
    const entry = { value: large, type: "string", items: undefined };
    for (const key of ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"]) {
      expect(() => templatesOfGguf("m.gguf", new Map([[key, entry]]) as never)).toThrow(
        `m.gguf, ${key}: expected a template of at most 1048576 characters, found 1048577.`,
      );
    }
  });
});

it("a folder within a folder has a plain name", async () => {
  for (const folder of [onDisk("plain", { "inner/a.txt": "a" })]) {
    for (const name of ["..", ".", "a/b", "inner/..", ""]) {
      await expect(folder.subfolder?.(name)).rejects.toThrow("expected a file name without folders");
    }
    expect(await folder.subfolder?.("none")).toBeUndefined();
    expect(await (await folder.subfolder?.("inner"))?.list?.()).toEqual(["a.txt"]);
  }
});
