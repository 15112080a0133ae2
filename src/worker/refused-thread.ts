// Why a page did not start a thread. A browser says only that it did not: what can be found out is asked again.
import { SourceError } from "../sources/source-error.ts";

const EXPECTED = "a script of this package";
const PAGE = "docs/bundlers.md";

/** What a page's Content-Security-Policy has forbidden since it began. */
export interface PolicyWatch {
  /** The directive that did, such as "worker-src". */
  readonly forbids: () => string | undefined;
  end(): void;
}

export function watchPolicy(): PolicyWatch {
  let directive: string | undefined;
  const listen = (event: Event): void => {
    const found = (event as SecurityPolicyViolationEvent).effectiveDirective;
    // What is asked again may be forbidden as well.
    if (found !== "connect-src") directive ??= found;
  };
  globalThis.addEventListener("securitypolicyviolation", listen);
  return {
    forbids: () => directive,
    end: () => globalThis.removeEventListener("securitypolicyviolation", listen),
  };
}

export const refusedThread = {
  /** The constructor of workers has thrown. */
  atOnce(url: string, cause: Error): SourceError {
    const isTrust = cause instanceof TypeError;
    return new SourceError(
      isTrust
        ? {
            subject: nameOf(url),
            expected: "a page that may start a thread from it",
            found: cause.message,
            remedy: "Under require-trusted-types-for, add lfm2-wasm to trusted-types.",
          }
        : {
            subject: nameOf(url),
            expected: "a page that may start a thread from it",
            found: cause.message,
            remedy: `Allow it in worker-src of the page's Content-Security-Policy (${PAGE}).`,
          },
      { cause },
    );
  },

  /** The worker has reported an error without saying which. */
  async later(url: string, policy: PolicyWatch): Promise<SourceError> {
    const answer = await fetch(url).catch(() => undefined);
    const directive = policy.forbids();
    policy.end();
    return new SourceError({ subject: nameOf(url), ...whyNot(url, answer, directive) });
  },
};

function whyNot(
  url: string,
  answer: Response | undefined,
  directive: string | undefined,
): { readonly expected: string; readonly found: string; readonly remedy: string } {
  if (directive !== undefined) {
    const isOwn = new URL(url).origin === location.origin;
    return {
      expected: "a page that may start a thread from it",
      found: `one whose Content-Security-Policy forbids it by ${directive}`,
      remedy: `Allow ${isOwn ? "'self'" : "blob: and the script's origin"} in worker-src and script-src (${PAGE}).`,
    };
  }
  const copy =
    "If a bundler has not copied it, copy the package's dist/assets and name their folder in the option assets, " +
    `or import from lfm2-wasm/inline (${PAGE}).`;
  if (answer === undefined) {
    const remedy = `Check the address, and that its server lets this page read it (CORS). ${copy}`;
    return { expected: EXPECTED, found: "no answer that this page may read", remedy };
  }
  if (!answer.ok) return { expected: EXPECTED, found: `HTTP ${answer.status}`, remedy: copy };
  const type = answer.headers.get("content-type") ?? "no Content-Type";
  if (!/javascript|ecmascript/i.test(type)) {
    return { expected: `${EXPECTED}, sent as text/javascript`, found: type.slice(0, 80), remedy: copy };
  }
  const policy = answer.headers.get("cross-origin-embedder-policy");
  if (globalThis.crossOriginIsolated === true && policy === null) {
    return {
      expected: "it to be sent with Cross-Origin-Embedder-Policy, as the page was",
      found: "no such header",
      remedy: `Send that header with the package's scripts, too (${PAGE}).`,
    };
  }
  return { expected: EXPECTED, found: "one that this browser did not start", remedy: `See ${PAGE}.` };
}

/** A whole script may be in a URL. */
function nameOf(url: string): string {
  const { protocol, origin, pathname } = new URL(url);
  return protocol === "data:" ? "script of a thread" : origin + pathname;
}
