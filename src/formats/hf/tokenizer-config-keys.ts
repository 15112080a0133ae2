// What every key of tokenizer_config.json means here.
import type { JsonObject } from "../json.ts";
import { checkKeys, type KeyTable, unknownKeysWarning } from "../known-keys.ts";

export const tokenizerConfigKeys: KeyTable = [
  {
    keys: ["bos_token", "eos_token", "{name}_token"],
    use: "read",
    says: "Control tokens; the first begins a text, the second ends an answer.",
  },
  {
    keys: [
      "added_tokens_decoder",
      "extra_special_tokens",
      "additional_special_tokens",
      "model_specific_special_tokens",
    ],
    use: "read",
    says: "Tokens that are matched whole.",
  },
  { keys: ["add_bos_token"], use: "read", says: "Used if tokenizer.json has no post-processor that adds the token." },
  { keys: ["chat_template"], use: "read", says: "How a conversation is written; one, or a list of named ones." },
  {
    keys: ["tokenizer_class", "auto_map", "backend", "use_fast", "is_local", "local_files_only", "files_loaded"],
    use: "no effect",
    says: "Which class of transformers reads tokenizer.json.",
  },
  {
    keys: ["name_or_path", "tokenizer_file", "special_tokens_map_file", "processor_class", "commit_message", "verbose"],
    use: "no effect",
    says: "Where the files came from.",
  },
  {
    keys: ["model_max_length", "max_len", "max_length", "model_input_names", "return_token_type_ids"],
    use: "no effect",
    says: "How transformers makes batches; the context comes from config.json.",
  },
  {
    keys: ["padding_side", "truncation_side", "padding", "truncation", "stride", "pad_to_multiple_of"],
    use: "no effect",
    says: "Nothing is padded or cut.",
  },
  {
    keys: ["clean_up_tokenization_spaces", "spaces_between_special_tokens"],
    use: "no effect",
    says: "Decoding gives the bytes of the tokens.",
  },
  {
    keys: ["legacy", "sp_model_kwargs", "errors", "use_default_system_prompt", "response_schema", "response_template"],
    use: "no effect",
    says: "For other kinds of tokenizers, and for transformers' own parser of answers.",
  },
];

/** A sentence about unknown keys that are set, such as `add_prefix_space`. */
export function tokenizerConfigWarnings(config: JsonObject, subject: string): string[] {
  const stated = Object.entries(config).filter(([, value]) => value !== false);
  const unknown = checkKeys(stated, { subject, table: tokenizerConfigKeys });
  // Not a token, despite its name.
  if (config.add_eos_token === true) unknown.push("add_eos_token");
  return unknownKeysWarning(subject, unknown);
}
