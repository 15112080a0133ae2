// Tensors that the graph does not use: those known to change nothing, with the reason, and those refused for what they are.
import { refuse, within } from "./refusal.ts";

/** How a LoRA adapter becomes part of a model. */
export const MERGE_ADAPTER =
  "Merge it into the model that it was trained on, with PEFT: PeftModel.from_pretrained(model, adapter)" +
  ".merge_and_unload().save_pretrained(folder), then open that folder; or llama-export-lora, for GGUF.";

export interface Unused {
  readonly name: RegExp;
  /** Such a name, as shown to people. */
  readonly like: string;
  readonly why: string;
}

export const unusedTensors: readonly Unused[] = [
  {
    name: /(?:^|\.)rotary_emb\.(?:inv_freq|original_inv_freq|cos_cached|sin_cached)$/,
    like: "….rotary_emb.inv_freq",
    why: "RoPE's frequencies, which are computed from the config, as in transformers",
  },
  {
    name: /^rope_freqs\.weight$/,
    like: "rope_freqs.weight",
    why: "llama.cpp's graphs of lfm2 and lfm2moe give RoPE no factors",
  },
  { name: /(?:^|\.)position_ids$/, like: "….position_ids", why: "numbers of positions, which no graph reads" },
];

export interface Refused {
  readonly name: RegExp;
  readonly like: string;
  readonly what: string;
  readonly remedy: string;
}

export const refusedTensors: readonly Refused[] = [
  {
    name: /(?:^|\.)lora_(?:[AB]|embedding_[AB]|magnitude_vector|[ab]$)|\.(?:base_layer|modules_to_save|original_module)\.|^base_model\.model\./,
    like: "….lora_A.weight, ….base_layer.weight, base_model.model.…",
    what: "a part of a LoRA adapter",
    remedy: MERGE_ADAPTER,
  },
  {
    name: /(?:^|\.)(?:vision_tower|vision_model|multi_modal_projector|mm_projector|image_newline)\.|^(?:v|mm)\.(?:blk|patch_embd|position_embd|model|\d)/,
    like: "….vision_tower.…, v.blk.…",
    what: "a part of a vision model",
    remedy: "Only the text half of LFM2-VL runs here; open a file that holds nothing else.",
  },
  {
    name: /(?:^|\.)(?:audio_tower|audio_encoder|conformer|audio_adapter|depthformer)\.|^a\.(?:blk|\d)/,
    like: "….audio_encoder.…, a.blk.…",
    what: "a part of an audio model",
    remedy: "Only text models run here.",
  },
  {
    name: /\.(?:in_sum2|counts)$/,
    like: "….in_sum2",
    what: "a part of an importance matrix",
    remedy: "It steers llama-quantize and is not a model; open the model itself.",
  },
  {
    name: /(?:^|\.)(?:nextn|mtp|eh_proj|enorm|hnorm|eagle|medusa_head|d2t|t2d)(?:\.|$)/,
    like: "….nextn.…, ….eagle.…",
    what: "a part of a draft model or of a head that predicts several tokens",
    remedy: "No LFM2 model has one; open the model without it.",
  },
  {
    name: /^(?:dense_2|dense_3|1_Dense)\b|^cls\.|(?:^|\.)(?:score|classifier|value_head|v_head)\./,
    like: "….score.weight, cls.…",
    what: "the head of an embedding, ranking, classifying or reward model",
    remedy: "Only models that predict tokens run here.",
  },
  {
    name: /\.(?:bias|biases)$/,
    like: "….bias",
    what: "a bias",
    remedy: "LFM2 has none but the routers'; open a model that its makers' code can load.",
  },
];

/** A tensor that has no place in the graph. */
export interface OtherTensor {
  readonly file: string;
  readonly name: string;
  readonly numbers: number;
  readonly integers: boolean;
}

/** Gathers what is left out: one warning for each reason. */
export interface Leftovers {
  /** @param hint  the name it should have had; undefined where none comes near */
  add(tensor: OtherTensor, hint?: string): void;
  warnings(): string[];
}

export function createLeftovers(): Leftovers {
  const found = new Map<string, string[]>();
  return {
    /** @throws FormatError when the tensor may matter */
    add(tensor, hint) {
      const why = reasonOf(tensor);
      const subject = within(tensor.file, tensor.name);
      if (why === undefined) refuseOther(subject, tensor.name, hint);
      const subjects = found.get(why);
      if (subjects) subjects.push(subject);
      else found.set(why, [subject]);
    },
    warnings: () =>
      [...found].map(([why, [first, ...rest]]) => {
        const more = rest.length === 0 ? "" : ` and ${rest.length} more like it`;
        return `${first}${more}: not used (${why}).`;
      }),
  };
}

function reasonOf({ name, numbers, integers }: OtherTensor): string | undefined {
  const known = unusedTensors.find((entry) => entry.name.test(name));
  if (known) return known.why;
  if (refusedTensors.some((entry) => entry.name.test(name))) return undefined;
  if (numbers === 0) return "it is empty, and LFM2 has no such tensor";
  if (integers) return "integers, and LFM2 has no such tensor";
  return numbers === 1 ? "a single number, and LFM2 has no such tensor" : undefined;
}

function refuseOther(subject: string, name: string, hint: string | undefined): never {
  const kind = refusedTensors.find((entry) => entry.name.test(name));
  if (kind) refuse(subject, "a tensor of the LFM2 family", kind.what, kind.remedy);
  const remedy = hint === undefined ? "Open a model of the LFM2 family." : `Was ${hint} meant? Rename it in the file.`;
  refuse(subject, "a tensor of the LFM2 family", "a name that no such tensor has", remedy);
}
