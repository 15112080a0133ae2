"""A checkpoint as GGUF with every matrix in Q4_1, and its blocks read wrongly: 32 weights, d and m as f16, 16 bytes."""
import os

import gguf
import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from .planting import Mistake

Q4_1 = GGMLQuantizationType.Q4_1
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.out_proj": "attn_output",
    "self_attn.q_layernorm": "attn_q_norm", "self_attn.k_layernorm": "attn_k_norm", "operator_norm": "attn_norm",
    "ffn_norm": "ffn_norm", "conv.conv": "shortconv.conv", "conv.in_proj": "shortconv.in_proj", "conv.out_proj": "shortconv.out_proj",
    "feed_forward.w1": "ffn_gate", "feed_forward.w3": "ffn_up", "feed_forward.w2": "ffn_down",
}


def gguf_name(path: str) -> str:
    if not path.startswith("model.layers."):
        return {"model.embed_tokens.weight": "token_embd.weight", "model.embedding_norm.weight": "token_embd_norm.weight"}[path]
    layer, part = path.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
    return f"blk.{layer}.{NAMES[part]}.weight"


def is_matrix(path: str) -> bool:
    return "norm" not in path and "conv.conv" not in path and "embed" not in path


def in_blocks(numbers: torch.Tensor) -> torch.Tensor:
    """As Q4_1 gives them back."""
    return torch.from_numpy(dequantize(quantize(numbers.float().numpy(), Q4_1), Q4_1).reshape(numbers.shape))


def write_gguf(path: str, config, weights: dict[str, torch.Tensor]) -> None:
    writer = gguf.GGUFWriter(path, "lfm2")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv([config.num_key_value_heads if kind == "full_attention" else 0 for kind in config.layer_types])
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_shortconv_l_cache(config.conv_L_cache)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_pad_token_id(config.pad_token_id)
    for name, weight in weights.items():
        numbers = weight.float().numpy()
        if is_matrix(name):
            writer.add_tensor(gguf_name(name), quantize(numbers, Q4_1), raw_dtype=Q4_1)
        else:
            writer.add_tensor(gguf_name(name), numbers.squeeze(1) if "conv.conv" in name else numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def misread(change, order=None):
    """Every matrix from the file's own blocks, [blocks, 20], after `change`; `order` rearranges what they give."""
    def changed(weights, config):
        file = gguf.GGUFReader(os.path.join(config.name_or_path, "model.gguf"))
        tensors = {tensor.name: tensor for tensor in file.tensors}
        for name, weight in weights.items():
            if weight.dim() == 2 and is_matrix(name) and "lm_head" not in name:
                blocks = np.array(tensors[gguf_name(name)].data).reshape(-1, 20)
                numbers = dequantize(change(blocks), Q4_1)
                weights[name] = torch.from_numpy((order(numbers) if order else numbers).reshape(weight.shape).copy())
    return changed


def with_scale_of_the_one_before(blocks):
    blocks[1:, :2] = blocks[:-1, :2].copy()
    return blocks


def with_nibbles_exchanged(blocks):
    blocks[:, 4:] = (blocks[:, 4:] >> 4) | (blocks[:, 4:] << 4)
    return blocks


def without_min(blocks):
    blocks[:, 2:4] = 0
    return blocks


def in_pairs(numbers):
    return numbers.reshape(-1, 2, 16).swapaxes(1, 2)


BLOCKS = [
    Mistake("neighbours-scale", "every block with the scale of the one before", weights=misread(with_scale_of_the_one_before)),
    Mistake("nibbles-exchanged", "the two numbers of a byte exchanged", weights=misread(with_nibbles_exchanged)),
    Mistake("nibbles-in-pairs", "the numbers of a byte beside each other", weights=misread(lambda blocks: blocks, in_pairs)),
    Mistake("min-ignored", "the least value of a block ignored", weights=misread(without_min)),
]
