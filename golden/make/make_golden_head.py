"""Golden values for a checkpoint whose config ties the head to the embedding, and which stores another head all the same.

usage: make_golden_head.py FOLDER OUT_DIR --seed N
FOLDER is a golden checkpoint without a head, such as golden/transformers/dense-linear; OUT_DIR gets its config, its
tensors with a random lm_head.weight, and lenT.safetensors with input_ids i64[T] and logits f32[T, vocab].
"""
import argparse, json, os, shutil, torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

ap = argparse.ArgumentParser(); ap.add_argument("folder"); ap.add_argument("out"); ap.add_argument("--seed", type=int, default=0)
a = ap.parse_args(); torch.manual_seed(a.seed); torch.set_num_threads(1)
config = json.load(open(os.path.join(a.folder, "config.json")))
assert config.get("tie_word_embeddings", True) and config.get("tie_embedding", True)
tensors = load_file(os.path.join(a.folder, "model.safetensors"))
embedding = tensors["model.embed_tokens.weight"]; assert "lm_head.weight" not in tensors
tensors["lm_head.weight"] = (torch.randn(embedding.shape) * 1.2 / embedding.shape[1] ** 0.5).to(embedding.dtype)
os.makedirs(a.out, exist_ok=True)
json.dump(config, open(os.path.join(a.out, "config.json"), "w"), indent=2)
save_file(tensors, os.path.join(a.out, "model.safetensors"), metadata={"format": "pt"})

model, info = AutoModelForCausalLM.from_pretrained(a.out, output_loading_info=True, dtype=torch.float32, attn_implementation="eager")
assert not info["missing_keys"] and not info["unexpected_keys"], info
assert model.config.tie_word_embeddings and model.lm_head.weight.data_ptr() != model.model.embed_tokens.weight.data_ptr()
assert torch.equal(model.lm_head.weight, tensors["lm_head.weight"].float())
for T in (1, 17):
    ids = torch.randint(8, config["vocab_size"], (1, T))
    with torch.no_grad(): logits = model(ids, use_cache=False).logits[0]
    save_file({"input_ids": ids[0].contiguous(), "logits": logits.contiguous()}, os.path.join(a.out, f"len{T}.safetensors"))
