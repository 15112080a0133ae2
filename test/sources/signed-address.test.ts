import { describe, expect, it } from "vitest";
import { isSigned, stableAddress } from "../../src/sources/signed-address.ts";

describe("a signed address", () => {
  it.each([
    ["X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=1&X-Amz-Expires=3600&X-Amz-Signature=ab&versionId=3", "?versionId=3"],
    ["X-Goog-Date=1&X-Goog-Signature=ab&generation=7", "?generation=7"],
    ["response-content-type=a&Expires=1&Policy=p&Signature=s&Key-Pair-Id=K", "?response-content-type=a"],
    ["AWSAccessKeyId=A&Expires=1&Signature=s", ""],
    ["sv=2024&st=1&se=2&sr=b&sp=r&sig=ab%3D&snapshot=5", "?snapshot=5"],
  ])("%s is that of %s without it", (query, rest) => {
    const url = new URL(`https://store.example/a%20b/model.gguf?${query}`);
    expect(isSigned(url)).toBe(true);
    expect(stableAddress(url)).toBe(`https://store.example/a%20b/model.gguf${rest}`);
  });

  it.each(["", "?file=a", "?se=1&sr=2", "?Expires=3&policy=x", "?x-amz-date=4", "?q=%7E&b="])(
    "is not one with %s, which names the file",
    (query) => {
      const url = new URL(`https://store.example/model.gguf${query}`);
      expect(isSigned(url)).toBe(false);
      expect(stableAddress(url)).toBe(url.href);
    },
  );
});
