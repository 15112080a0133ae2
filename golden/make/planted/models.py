"""Small random models of other shapes than the goldens', made from a seed."""
import os

import torch
from safetensors.torch import save_file
from transformers import Lfm2Config, Lfm2ForCausalLM, Lfm2MoeConfig, Lfm2MoeForCausalLM

from .blocks import in_blocks, is_matrix, write_gguf


def types(layers: str) -> list[str]:
    """ "ca": a convolution, then attention. """
    return [{"c": "conv", "a": "full_attention"}[letter] for letter in layers]


def shape(kind: str, seed: int, layers: str, **config) -> tuple:
    made = dict(layer_types=types(layers), num_hidden_layers=len(layers), max_position_embeddings=512,
                bos_token_id=1, eos_token_id=7, pad_token_id=0, **config)
    if kind == "dense":
        made["block_auto_adjust_ff_dim"] = False
    return kind, seed, made


MODELS = {
    "thirds": shape("moe", 31, "ccaca", vocab_size=150, hidden_size=96, intermediate_size=112, moe_intermediate_size=40,
                    num_attention_heads=6, num_key_value_heads=2, num_dense_layers=1, num_experts=6, num_experts_per_tok=3,
                    routed_scaling_factor=1.5),
    "sixteen": shape("moe", 32, "acca", vocab_size=200, hidden_size=64, intermediate_size=64, moe_intermediate_size=24,
                     num_attention_heads=4, num_key_value_heads=2, num_dense_layers=0, num_experts=16, num_experts_per_tok=4,
                     conv_L_cache=4, norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 5e6}),
    "plain": shape("moe", 33, "cac", vocab_size=110, hidden_size=96, intermediate_size=80, moe_intermediate_size=48,
                   num_attention_heads=3, num_key_value_heads=1, num_dense_layers=1, num_experts=5, num_experts_per_tok=2,
                   use_expert_bias=False, norm_topk_prob=False, routed_scaling_factor=2.0),
    "biased": shape("moe", 34, "caac", vocab_size=130, hidden_size=128, intermediate_size=96, moe_intermediate_size=32,
                    num_attention_heads=8, num_key_value_heads=4, num_dense_layers=2, num_experts=8, num_experts_per_tok=2,
                    norm_topk_prob=False, conv_L_cache=5, rope_parameters={"rope_type": "default", "rope_theta": 1e5}),
    "dense": shape("dense", 35, "caca", vocab_size=140, hidden_size=80, intermediate_size=144, num_attention_heads=5,
                   num_key_value_heads=1, rope_parameters={"rope_type": "default", "rope_theta": 1e4}),
    "stretched": shape("dense", 36, "acca", vocab_size=100, hidden_size=64, intermediate_size=80, num_attention_heads=4,
                       num_key_value_heads=2, rope_parameters={"rope_type": "yarn", "rope_theta": 1e4, "factor": 3.0,
                                                               "original_max_position_embeddings": 64}),
    # Every matrix in Q4_1, with model.gguf beside it.
    "blocks": shape("dense", 37, "cca", vocab_size=90, hidden_size=64, intermediate_size=96, num_attention_heads=2,
                    num_key_value_heads=2),
}


def write_model(name: str, folder: str) -> None:
    """config.json and model.safetensors, as the published checkpoints have them."""
    kind, seed, settings = MODELS[name]
    random = torch.Generator().manual_seed(seed)
    config = (Lfm2MoeConfig if kind == "moe" else Lfm2Config)(**settings)
    model = (Lfm2MoeForCausalLM if kind == "moe" else Lfm2ForCausalLM)(config)
    config.architectures = [type(model).__name__]
    stored = {}
    for path, value in model.state_dict().items():
        if path == "lm_head.weight":
            continue
        noise = torch.randn(value.shape, generator=random)
        if path.endswith("expert_bias"):
            stored[path] = 0.3 * noise
            continue
        if "norm" in path:
            numbers = 1 + 0.2 * noise
        elif "conv.conv" in path:
            numbers = 0.5 * noise
        else:
            numbers = noise * 1.2 / value.shape[-1] ** 0.5
        if name == "blocks" and is_matrix(path):
            stored[path] = in_blocks(numbers)
            continue
        for part, weight in parts(path, numbers.bfloat16()):
            stored[part] = weight.contiguous()
    os.makedirs(folder, exist_ok=True)
    config.save_pretrained(folder)
    save_file(stored, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    if name == "blocks":
        write_gguf(os.path.join(folder, "model.gguf"), config, stored)


def parts(path: str, weight: torch.Tensor):
    """The fused experts of memory as the single ones of a file."""
    stack, _, part = path.rpartition(".")
    if part == "gate_up_proj":
        for expert, both in enumerate(weight):
            gate, up = both.chunk(2)
            yield f"{stack}.{expert}.w1.weight", gate
            yield f"{stack}.{expert}.w3.weight", up
    elif part == "down_proj":
        for expert, down in enumerate(weight):
            yield f"{stack}.{expert}.w2.weight", down
    else:
        yield path, weight
