// GGUF files that are not a whole model: what they are, and what to do with them.

import { MERGE_ADAPTER } from "../other-tensors.ts";
import { refuse } from "../refusal.ts";
import type { Metadata } from "./keys.ts";

interface Kind {
  /** What `general.type` says. Source: gguf-py constants.py, GGUFType. */
  readonly types: readonly string[];
  /** What `general.architecture` says. */
  readonly architectures: RegExp;
  /** Keys that nothing else has. */
  readonly keys: readonly string[];
  readonly what: string;
  readonly remedy: string;
}

const kinds: readonly Kind[] = [
  {
    types: ["adapter"],
    architectures: /^lora$/,
    keys: ["adapter.type", "adapter.lora.alpha"],
    what: "a LoRA adapter",
    remedy: MERGE_ADAPTER,
  },
  {
    types: ["imatrix"],
    architectures: /^imatrix$/,
    keys: ["imatrix.chunk_count", "imatrix.datasets"],
    what: "an importance matrix",
    remedy: "It steers llama-quantize and is not a model; open the model itself.",
  },
  {
    types: ["mmproj"],
    architectures: /^(?:clip|mmproj)$/,
    keys: ["clip.projector_type", "clip.has_vision_encoder", "clip.has_audio_encoder"],
    what: "a multimodal projector (mmproj), the part of a model that sees or hears",
    remedy: "Only text models run here; open the model that lies beside it.",
  },
  {
    types: ["controlvector"],
    architectures: /^controlvector$/,
    keys: ["controlvector.model_hint"],
    what: "a control vector",
    remedy: "It steers a model and is not one itself; open the model.",
  },
  {
    types: [],
    architectures: /^(?:eagle\d*|dflash|medusa|.*[-_.](?:draft|assistant|mtp))$/,
    keys: [],
    what: "a draft model for speculative decoding",
    remedy: "It guesses for another model and runs with that one alone; open that one.",
  },
];

/** @throws FormatError when the file says that it is something other than a model */
export function refuseOtherKinds(file: string, metadata: Metadata): void {
  const text = (key: string): string => {
    const value = metadata.get(key)?.value;
    return typeof value === "string" ? value : "";
  };
  const kind = kinds.find(
    ({ types, architectures, keys }) =>
      types.includes(text("general.type")) ||
      architectures.test(text("general.architecture")) ||
      keys.some((key) => metadata.has(key)),
  );
  if (kind) refuse(file, "a model", kind.what, kind.remedy);
}
