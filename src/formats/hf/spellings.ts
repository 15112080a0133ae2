// How other programs spell the names of a model's tensors, and what published checkpoints call them.

/** For docs/formats.md: what is understood beside the names of published checkpoints. */
export const knownSpellings: readonly (readonly [names: string, by: string])[] = [
  ["_orig_mod.…, module.…, _fsdp_wrapped_module.…", "PyTorch's wrappers, anywhere in a name"],
  ["model.language_model.…, language_model.model.…", "LFM2-VL's text half"],
  ["embed_tokens.weight, layers.…", "Lfm2Model saved without its head"],
  [
    "….feed_forward.gate_proj, ….feed_forward.switch_mlp.gate_proj",
    "mlx-lm, whose convolution taps are [hidden, width, 1]",
  ],
  ["….experts.gate_up_proj, ….experts.down_proj", "transformers 5, as it has them in memory, with .weight or without"],
  [
    "token_embd_norm.weight, output_norm.weight",
    "the last norm, by llama.cpp's and Ollama's converters; both only with the same bytes",
  ],
];

/** Path segments that PyTorch's wrappers put into names: torch.compile, DistributedDataParallel, FSDP. */
const WRAPPERS = /(?<=^|\.)(?:_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\./g;

const prefixes: readonly (readonly [RegExp, string])[] = [
  // The text half of LFM2-VL, as transformers 5 and as older versions write it.
  [/^model\.language_model\./, "model."],
  [/^language_model\.model\./, "model."],
  [/^language_model\.lm_head\./, "lm_head."],
  // Lfm2Model saved without the head around it.
  [/^(?=(?:embed_tokens|embedding_norm|layers)\.)/, "model."],
];

/** mlx-lm's names of the feed-forward; `switch_mlp` stacks the experts. Source: its lfm2.py and lfm2_moe.py, sanitize. */
const MLX = /\.feed_forward\.(?:(experts\.\d+\.)|(switch_mlp\.))?(gate|up|down)_proj\.weight$/;
const projections: Readonly<Record<string, string>> = { gate: "w1", up: "w3", down: "w2" };

/** transformers 5 has these as parameters, some writers as modules. */
const STACKED = /(\.feed_forward\.experts\.(?:gate_up_proj|down_proj|w[123]))\.weight$/;

/** The name that a published checkpoint would have here, where the spelling is a known one; else the name as it is. */
export function publishedName(name: string): string {
  const unwrapped = name.replace(WRAPPERS, "");
  const prefixed = prefixes.reduce((found, [pattern, replacement]) => found.replace(pattern, replacement), unwrapped);
  return prefixed
    .replace(MLX, (_, expert: string | undefined, stack: string | undefined, projection: string) =>
      stack === undefined
        ? `.feed_forward.${expert ?? ""}${projections[projection]}.weight`
        : `.feed_forward.experts.${projections[projection]}`,
    )
    .replace(STACKED, "$1");
}

/** What other architectures call the modules that LFM2 has, for messages. */
const otherNames: readonly (readonly [RegExp, string])[] = [
  [/\.o_proj\./, ".out_proj."],
  [/\.(q|k)_norm\./, ".$1_layernorm."],
  [/\.input_layernorm\./, ".operator_norm."],
  [/\.post_attention_layernorm\./, ".ffn_norm."],
  [/^model\.norm\./, "model.embedding_norm."],
  [/\.(?:mlp|block_sparse_moe)\./, ".feed_forward."],
  [/\.(?:short_conv|shortconv)\./, ".conv."],
];

/** The name of LFM2 that was most likely meant. Given: `isParameter` knows those names. */
export function likelyName(name: string, isParameter: (name: string) => boolean): string | undefined {
  const renamed = otherNames.reduce((found, [pattern, replacement]) => found.replace(pattern, replacement), name);
  if (isParameter(renamed)) return renamed;
  const dots = [...renamed.matchAll(/\./g)].map(({ index }) => renamed.slice(index + 1));
  return [...dots.map(publishedName), `${renamed}.weight`].find(isParameter);
}
