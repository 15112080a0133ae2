// Where models are kept, and who asks for them, as huggingface_hub reads the environment.
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hubEnvironment } from "../../src/hub/node-environment.ts";
import { emptyFolder } from "./fetched.ts";

describe("the environment", () => {
  it.each([
    [{ HF_HUB_CACHE: "/a", HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/a"],
    [{ HF_HUB_CACHE: "", HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/b"],
    [{ HF_HOME: "/c", XDG_CACHE_HOME: "/d" }, "/c/hub"],
    [{ XDG_CACHE_HOME: "/d" }, "/d/huggingface/hub"],
    [{}, join(homedir(), ".cache/huggingface/hub")],
    [{ HF_HOME: "~/models" }, join(homedir(), "models/hub")],
    [{ HF_HUB_CACHE: "$DISK/$NAME", DISK: "/mnt", NAME: "hub" }, "/mnt/hub"],
  ])("%j says where models are kept", (variables, expected) => {
    expect(hubEnvironment(variables as Record<string, string>).hubCache).toBe(expected);
  });

  it.each([
    ["1", true],
    ["ON", true],
    ["yes", true],
    ["True", true],
    ["0", false],
    ["", false],
    ["no", false],
  ])("HF_HUB_OFFLINE=%s", (value, expected) => {
    expect(hubEnvironment({ HF_HUB_OFFLINE: value }).offline).toBe(expected);
    expect(hubEnvironment({ TRANSFORMERS_OFFLINE: value }).offline).toBe(expected);
  });

  it("names another hub by its address", () => {
    expect(hubEnvironment({}).endpoint).toBe("https://huggingface.co");
    expect(hubEnvironment({ HF_ENDPOINT: "https://mirror.example/hf/" }).endpoint).toBe("https://mirror.example/hf");
    expect(() => hubEnvironment({ HF_ENDPOINT: "mirror" })).toThrow(/^HF_ENDPOINT: expected an address/);
  });

  it("has a token in a variable, or in the file that logging in writes", async () => {
    const home = emptyFolder();
    expect(await hubEnvironment({ HF_HOME: home }).token()).toBeUndefined();
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "token"), "hf_file\n");
    expect(await hubEnvironment({ HF_HOME: home }).token()).toBe("hf_file");
    expect(await hubEnvironment({ HF_HOME: home, HF_TOKEN: " hf_own " }).token()).toBe("hf_own");
    expect(await hubEnvironment({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }).token()).toBeUndefined();
  });
});
