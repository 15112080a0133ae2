// What the server takes, as OpenAPI and as a page: made from the schemas that requests are held to.
import { type ZodType, z } from "zod";

export interface Operation {
  readonly method: "get" | "post";
  readonly path: string;
  readonly summary: string;
  readonly request?: ZodType;
}

export function openApi(operations: readonly Operation[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, summary, request } of operations) {
    const schema = request && z.toJSONSchema(request, { io: "input", target: "openapi-3.0", unrepresentable: "any" });
    paths[path] = {
      ...paths[path],
      [method]: {
        summary,
        ...(schema && { requestBody: { required: true, content: { "application/json": { schema } } } }),
        responses: { default: { description: "In the protocol's own form; errors, too." } },
      },
    };
  }
  return { openapi: "3.0.3", info: { title: "lfm2 serve", version }, paths };
}

export function docsPage(operations: readonly Operation[]): string {
  const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const rows = operations.map(({ method, path, summary, request }) => {
    const { properties = {} } = request
      ? (z.toJSONSchema(request, { io: "input", unrepresentable: "any" }) as object & { properties?: object })
      : {};
    const fields = Object.keys(properties).map((name) => `<code>${escaped(name)}</code>`);
    const place = `<code>${method.toUpperCase()} ${escaped(path)}</code>`;
    return `<tr><td>${place}</td><td>${escaped(summary)}</td><td>${fields.join(" ")}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>lfm2 serve</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}td,th{padding:.4rem;text-align:left;vertical-align:top;border-top:1px solid #8884}code{font-size:.9em}</style>
<h1>lfm2 serve</h1>
<p>Fields that are not listed are ignored. The same as <a href="/openapi.json">OpenAPI</a>.</p>
<table><tr><th>Endpoint</th><th></th><th>Fields</th></tr>
${rows.join("\n")}
</table>
`;
}
