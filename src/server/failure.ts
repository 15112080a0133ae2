// What a client is told when its request cannot be answered; each protocol has a shape of its own for it.
import { Lfm2Error } from "../lfm2-error.ts";

export interface FailureParts {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 421 | 429 | 499 | 500 | 503;
  readonly message: string;
  /** The field at fault. */
  readonly param?: string;
  /** For programs: `context_length_exceeded`, `model_not_found`, … */
  readonly code?: string;
  readonly retryAfterS?: number;
}

/** A request that is refused, or an answer that has to end. */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";
  readonly parts: FailureParts;

  constructor(parts: FailureParts, options?: ErrorOptions) {
    super(parts.message, options);
    this.parts = parts;
  }
}

/** Errors of the library that a request itself has caused. Those of another thread have only their names. */
const OF_REQUESTS = ["ChatError", "ConstraintError", "OptionError", "PromptError", "SamplingError", "TokenizerError"];

export function refused(param: string, expected: string, found: string, remedy = ""): RequestFailure {
  const message = `${param}: expected ${expected}, found ${found}.${remedy === "" ? "" : ` ${remedy}`}`;
  return new RequestFailure({ status: 400, message, param });
}

/** @returns what to tell of anything that was thrown; of a defect, nothing but that there was one */
export function failureOf(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  if (error instanceof DOMException && error.name === "AbortError") {
    return new RequestFailure({ status: 499, message: "The request was given up." }, { cause: error });
  }
  if (error instanceof Lfm2Error && OF_REQUESTS.includes(error.kind)) {
    const { message, subject } = error;
    const isLong = error.kind === "PromptError" && error.options?.includes("contextLength") === true;
    const code = isLong ? "context_length_exceeded" : undefined;
    return new RequestFailure({ status: 400, message, param: subject, code }, { cause: error });
  }
  if (error instanceof Lfm2Error && error.kind === "WorkerError") {
    return new RequestFailure({ status: 503, message: error.message }, { cause: error });
  }
  const message = error instanceof Lfm2Error ? error.message : "The server failed on this request.";
  return new RequestFailure({ status: 500, message }, { cause: error });
}

export interface ErrorShape {
  /** The body of a refusal. */
  body(failure: RequestFailure): object;
  /** The event that ends a stream which had begun. */
  event(failure: RequestFailure): { readonly event?: string; readonly data: string };
}

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

const openaiBody = ({ parts: { status, message, param, code } }: RequestFailure): object => {
  const type = OPENAI_TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error");
  return { error: { message, type, param: param ?? null, code: code ?? null } };
};

export const openaiErrors: ErrorShape = {
  body: openaiBody,
  event: (failure) => ({ data: JSON.stringify(openaiBody(failure)) }),
};

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
};

const anthropicBody = ({ parts: { status, message } }: RequestFailure): object => {
  const type = ANTHROPIC_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { type: "error", error: { type, message }, request_id: null };
};

export const anthropicErrors: ErrorShape = {
  body: anthropicBody,
  event: (failure) => ({ event: "error", data: JSON.stringify(anthropicBody(failure)) }),
};
