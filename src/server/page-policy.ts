// What the page may do: the policy that stands in the built page, and that `lfm2 web` sends with every file of it.

/**
 * Scripts and styles are the page's own. `connect-src` names no server, as the reader names them: the address of a model, or
 * a hub's, which sends to servers of its own.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "manifest-src 'self'",
  "connect-src 'self' blob: https: http://localhost:* http://127.0.0.1:*",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lfm2-wasm lfm2-page dompurify",
].join("; ");
