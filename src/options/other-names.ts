// Names that other libraries and servers have for what is an option here.

const OF_CALLS: Readonly<Record<string, string>> = {
  ...named("maxTokens", "max_tokens", "max_new_tokens", "max_completion_tokens", "maxNewTokens", "n_predict"),
  ...named("temperature", "temp"),
  ...named("continueFinalMessage", "continue_final_message"),
  ...named("topK", "top_k"),
  ...named("topP", "top_p"),
  ...named("minP", "min_p"),
  ...named("repetitionPenalty", "repetition_penalty", "repeat_penalty", "repeatPenalty"),
  ...named("frequencyPenalty", "frequency_penalty"),
  ...named("presencePenalty", "presence_penalty"),
  ...named("logitBias", "logit_bias"),
  ...named("stop", "stop_sequences", "stopSequences", "stop_strings"),
  ...named("stopIds", "eos_token_id", "stop_token_ids", "stopTokenIds"),
  ...named("topLogprobs and onToken", "logprobs", "top_logprobs", "n_probs"),
  ...named("toolChoice", "tool_choice"),
  ...named("signal", "abortSignal"),
  ...named('responseFormat: { type: "json_schema", schema }', "response_format", "json_schema", "schema", "format"),
  ...named('responseFormat: { type: "regex", pattern }', "regex", "guided_regex"),
  ...named("thinkingBudget: 0 for no thinking", "enable_thinking", "reasoning_effort"),
  ...named("choices(n, options, ask)", "n"),
  ...named("each option beside the others, not within another", "sampling", "options"),
  ...named("a message of role system", "system"),
  ...named("contextLength of open", "num_ctx", "n_ctx", "contextLength"),
  ...named("the loop over the answer, which always streams", "stream"),
};

const OF_OPEN: Readonly<Record<string, string>> = {
  ...named("contextLength", "num_ctx", "n_ctx", "contextSize", "max_seq_len", "maxModelLen", "max_model_len"),
  ...named("threads", "n_threads", "nThreads", "num_thread", "num_threads", "numThreads"),
  ...named("kvType", "type_k", "type_v", "cache_type_k", "cache_type_v", "kvCacheType"),
  ...named("quantize: for weights, kvType: for the cache", "dtype", "torch_dtype", "precision"),
  ...named("quantize", "quantization", "quantized", "ftype"),
  ...named("backend: it knows no GPU", "device", "n_gpu_layers", "gpuLayers", "gpu"),
  ...named("onProgress", "progress_callback", "progressCallback", "onLoadProgress", "initProgressCallback"),
  ...named("signal", "abortSignal", "loadSignal"),
  ...named('headers: { Authorization: "Bearer …" }', "token", "hf_token", "hfToken", "authToken", "accessToken"),
  ...named("stallTimeoutMs", "timeout", "timeoutMs"),
  ...named("tokenizerPre", "tokenizer_pre"),
  ...named("hubEndpoint", "hf_endpoint", "hfEndpoint", "endpoint", "hubUrl"),
  ...named("offline", "local_files_only", "localFilesOnly", "hf_hub_offline"),
  ...named("cache", "useCache", "use_cache", "useBrowserCache"),
  ...named("@REVISION at the end of the model's name", "revision"),
  ...named("the first argument of open", "model", "modelPath", "model_path", "modelUrl", "path", "url", "source"),
  ...named("an option of each call", "temperature", "topK", "topP", "minP", "seed", "maxTokens", "stop", "tools"),
};

function named(ours: string, ...theirs: readonly string[]): Record<string, string> {
  return Object.fromEntries(theirs.map((name) => [name, ours]));
}

/** Our name for it; undefined where no other library is known to use this one. */
export function namedElsewhere(name: string, call: string): string | undefined {
  const names = call === "open" ? OF_OPEN : OF_CALLS;
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
