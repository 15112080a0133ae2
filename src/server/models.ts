// GET /v1/models: the one model there is, as OpenAI's, Anthropic's and llama.cpp's clients ask for it.
import type { Served } from "./answer.ts";
import { RequestFailure } from "./failure.ts";

export function openaiModel({ name, created, model }: Served): object {
  const meta = { n_ctx: model.settings.contextLength, n_vocab: model.config.vocabSize };
  return { id: name, object: "model", created, owned_by: "lfm2-wasm", meta };
}

/** Codex reads `models`. */
export function openaiModels(served: Served): object {
  return { object: "list", data: [openaiModel(served)], models: [{ name: served.name, model: served.name }] };
}

export function anthropicModel({ name, created }: Served): object {
  return { type: "model", id: name, display_name: name, created_at: new Date(1000 * created).toISOString() };
}

export function anthropicModels(served: Served): object {
  return { data: [anthropicModel(served)], has_more: false, first_id: served.name, last_id: served.name };
}

/** @throws RequestFailure (404) where only the model's own name is answered */
export function checkModel({ name }: Served, stated: string | null | undefined, isStrict: boolean): void {
  if (!isStrict || stated === undefined || stated === null || stated === name) return;
  const message = `model: expected ${name}, found ${JSON.stringify(stated.slice(0, 80))}.`;
  throw new RequestFailure({ status: 404, message, param: "model", code: "model_not_found" });
}
