// What the hub's refusals mean, with a token and without one.
import { expect, it } from "vitest";
import { hubFailure, saidBy } from "../../src/hub/hub-failure.ts";

const page = "https://huggingface.co/a/b";
const failure = (status: number, hasToken: boolean, headers: Record<string, string> = {}, body = ""): string =>
  hubFailure({ status, headers: new Headers(headers), body }, { subject: "hf:a/b", page, hasToken }).message;

it.each([
  [
    401,
    false,
    {},
    '{"error":"Invalid username or password."}',
    "expected a public repository, found HTTP 401: Invalid username or password",
  ],
  [401, true, {}, '{"error":"Invalid username or password."}', "expected a token that the hub knows"],
  [
    401,
    true,
    { "X-Error-Message": "Invalid credentials in Authorization header" },
    "",
    "expected a token that the hub knows",
  ],
  [404, true, { "X-Error-Code": "RepoNotFound" }, "", "expected a repository that HF_TOKEN may read"],
  [404, false, { "X-Error-Code": "RepoNotFound" }, "", "expected a public repository"],
  [
    401,
    false,
    { "X-Error-Code": "GatedRepo" },
    "",
    `expected a token for this gated repository, found none. Accept its licence at ${page}, and set HF_TOKEN.`,
  ],
  [403, true, { "X-Error-Code": "GatedRepo" }, "", `Ask for access, or accept the licence, at ${page}.`],
  [
    403,
    false,
    { "X-Error-Message": "Access to this resource is disabled." },
    "",
    "The hub has disabled it; choose another one.",
  ],
  [403, true, {}, "Forbidden", "expected HTTP 200, found HTTP 403: Forbidden. Check what HF_TOKEN may read."],
])("HTTP %d, token %s, %j %s", (status, hasToken, headers, body, expected) => {
  expect(failure(status, hasToken, headers, body)).toContain(expected);
});

it("quotes of a body what it says, in one short line", () => {
  expect(saidBy("<?xml version='1.0'?>\n<Error>\n<Code>A</Code><Message>b</Message></Error>")).toBe("A b");
  expect(saidBy("x".repeat(5000)).length).toBe(201);
  expect(saidBy('{"error":"no \\"such\\" thing","x":1}')).toBe('no \\"such\\" thing');
});
