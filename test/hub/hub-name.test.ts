// Names of models as people write them, here and for other programs.
import { describe, expect, it } from "vitest";
import { isSafePath, parseHubName, spelled } from "../../src/hub/hub-name.ts";

const repo = "LiquidAI/LFM2-8B-A1B-GGUF";

describe("a name on the hub", () => {
  it.each([
    [`hf:${repo}`, { repo, revision: "main" }],
    [`hf:${repo}:Q4_K_M`, { repo, revision: "main", quant: "Q4_K_M" }],
    [`hf:${repo}:Q4_0@v1.0`, { repo, revision: "v1.0", quant: "Q4_0" }],
    [`hf:${repo}@refs/pr/2`, { repo, revision: "refs/pr/2" }],
    [`hf:${repo}/sub/a.gguf@main`, { repo, revision: "main", path: "sub/a.gguf" }],
    [`hf://${repo}:F16`, { repo, revision: "main", quant: "F16" }],
    [`HF:${repo}`, { repo, revision: "main" }],
    [`huggingface:${repo}:Q8_0`, { repo, revision: "main", quant: "Q8_0" }],
    [`hf.co/${repo}:Q8_0`, { repo, revision: "main", quant: "Q8_0" }],
    [`https://huggingface.co/${repo}`, { repo, revision: "main" }],
    [`https://hf.co/${repo}`, { repo, revision: "main" }],
    [`https://huggingface.co/${repo}/tree/dev`, { repo, revision: "dev" }],
    [`https://huggingface.co/${repo}/blob/main/a.gguf`, { repo, revision: "main", path: "a.gguf" }],
    [
      `https://huggingface.co/${repo}/resolve/refs%2Fpr%2F1/a.gguf?download=true`,
      { repo, revision: "refs/pr/1", path: "a.gguf" },
    ],
  ])("%s", (text, expected) => {
    expect(parseHubName(text)).toEqual(expected);
  });

  it.each([
    "model.gguf",
    "./hf/model.gguf",
    "hf/model.gguf",
    "https://example.org/a/b/resolve/main/c.gguf",
    "https://huggingface.co/datasets/a/b/resolve/main/c.gguf",
    "https://huggingface.co/api/models/a/b",
    `https://huggingface.co/${repo}/raw/main/a.gguf`,
  ])("is not %s", (text) => {
    expect(parseHubName(text)).toBeUndefined();
  });

  it.each([
    "hf:",
    "hf:LFM2",
    "hf:a/b:Q4 0",
    "hf:a/b@",
    "hf:a/../b",
    "hf:a/b/../../c",
    "hf:a--b/c",
    "hf:a/b/c.gguf:Q4_0",
    "hf:a/b@../x",
  ])("is refused in the form %s", (text) => {
    expect(() => parseHubName(text)).toThrow(/model: expected hf:OWNER\/REPO.*, found ".*"\. Write it as in/);
  });

  it("is of the hub that is used, and of no other", () => {
    const mirror = "https://mirror.example:8443";
    expect(parseHubName(`${mirror}/${repo}`, mirror)).toEqual({ repo, revision: "main" });
    expect(parseHubName(`https://huggingface.co/${repo}`, mirror)).toBeUndefined();
  });

  it("can be written again", () => {
    for (const text of [`hf:${repo}`, `hf:${repo}:Q4_0@v1`, `hf:${repo}/sub/a.gguf@refs/pr/2`]) {
      expect(spelled(parseHubName(text) ?? { repo: "", revision: "" })).toBe(text);
    }
  });
});

it("a path that could lead out of its folder is not safe", () => {
  for (const path of ["../a", "a/../b", "/a", "a//b", "a\\b", "a/", ".", "a\0", "\ud800"])
    expect(isSafePath(path), path).toBe(false);
  for (const path of ["a", "a/b.gguf", "..a", "a..b", "é/ü"]) expect(isSafePath(path), path).toBe(true);
});
