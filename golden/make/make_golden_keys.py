"""What transformers computes when one key of a config is changed: last logits of two tiny models, one case to a change.

usage: make_golden_keys.py OUT_DIR
Every field of Lfm2Config and Lfm2MoeConfig, and every other attribute that the code which runs them reads, has a case.
A case without logits is one that transformers does not load from these tensors, with its reason.
"""
import dataclasses, json, os, sys, tempfile, warnings, torch, transformers
from safetensors.torch import save_file
from transformers import Lfm2Config, Lfm2ForCausalLM, Lfm2MoeConfig, Lfm2MoeForCausalLM
transformers.logging.set_verbosity_error(); warnings.simplefilter("ignore"); torch.set_num_threads(1)
out = sys.argv[1]; ids = [5, 17, 40, 9, 33, 12, 60, 8, 21, 50, 14, 27]
BASE = dict(hidden_size=32, num_attention_heads=2, num_key_value_heads=1, num_hidden_layers=3, layer_types=["full_attention", "conv", "full_attention"], vocab_size=64, max_position_embeddings=64, rope_parameters={"rope_type": "default", "rope_theta": 100.0}, tie_word_embeddings=False, bos_token_id=1, eos_token_id=7, pad_token_id=0)
MODELS = {
  "moe": (Lfm2MoeConfig, Lfm2MoeForCausalLM, dict(BASE, intermediate_size=48, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2, num_dense_layers=1)),
  "dense": (Lfm2Config, Lfm2ForCausalLM, dict(BASE, intermediate_size=72, block_multiple_of=16)),
}
YARN = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 16}
GONE = "__gone__"  # the key is left out
CHANGES = {
  "vocab_size": [48], "hidden_size": [16, GONE], "intermediate_size": [64, GONE], "moe_intermediate_size": [32, GONE], "num_hidden_layers": [2, GONE],
  "num_attention_heads": [1, GONE], "num_key_value_heads": [2, GONE], "head_dim": [16, 32], "max_position_embeddings": [32, GONE], "initializer_range": [1.0],
  "norm_eps": [0.01, GONE], "use_cache": [False], "pad_token_id": [5], "bos_token_id": [5], "eos_token_id": [[5, 6]],
  "tie_word_embeddings": [True, GONE], "tie_embedding": [False, True], "conv_bias": [True], "conv_L_cache": [4], "num_dense_layers": [0, 2],
  "num_experts_per_tok": [1, 3, GONE], "num_experts": [2, 8], "use_expert_bias": [False], "routed_scaling_factor": [2.5], "norm_topk_prob": [False],
  "layer_types": [["conv", "full_attention", "full_attention"], ["full_attention", "conv"], ["attention", "conv", "attention"], ["sliding_attention", "conv", "full_attention"], GONE],
  "full_attn_idxs": [[0, 1]], "block_ff_dim": [72, 144], "block_auto_adjust_ff_dim": [False], "block_ffn_dim_multiplier": [1.5], "block_multiple_of": [32],
  "rope_parameters": [GONE, {"rope_type": "default", "rope_theta": 5000.0}, {"rope_theta": 5000.0}, {"rope_type": "linear", "rope_theta": 100.0, "factor": 3.0}, {"type": "linear", "rope_theta": 100.0, "factor": 3.0}, YARN, dict(YARN, attention_factor=1.5), dict(YARN, beta_fast=1.0, beta_slow=0.1), dict(YARN, truncate=False), dict(YARN, mscale=2.0, mscale_all_dim=0.5), {"full_attention": {"rope_type": "linear", "rope_theta": 100.0, "factor": 3.0}}, {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 3.0}, {"rope_type": "llama3", "rope_theta": 100.0, "factor": 3.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}, {"rope_type": "longrope", "rope_theta": 100.0, "factor": 3.0, "short_factor": [1.5] * 8, "long_factor": [2.0] * 8, "original_max_position_embeddings": 16}, {"rope_type": "proportional", "rope_theta": 100.0, "factor": 3.0}, {"rope_type": "linear", "rope_theta": 100.0, "factor": 3.0, "partial_rotary_factor": 0.5}],
  "rope_scaling": [{"type": "linear", "factor": 3.0}, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}], "rope_theta": [5000.0], "original_max_position_embeddings": [8], "partial_rotary_factor": [0.5],
  "is_causal": [False], "per_layer_config": [{"0": {"norm_eps": 0.5}}], "num_kv_shared_layers": [1], "number_of_conv_states": [2], "sliding_window": [3], "attention_chunk_size": [3], "tie_last_hidden_states": [True],
  "hidden_act": ["gelu"], "attention_dropout": [0.5], "attention_bias": [True], "chunk_size_feed_forward": [1], "output_hidden_states": [True], "output_attentions": [True], "return_dict": [False], "is_encoder_decoder": [True], "id2label": [{"0": "a"}], "label2id": [{"a": 0}], "problem_type": ["regression"],
  "dtype": ["float32"], "torch_dtype": ["float32"], "transformers_version": ["4.57.0"], "architectures": [["Lfm2Model"], ["Lfm2BidirectionalModel"]], "attn_implementation": ["sdpa"], "experts_implementation": ["eager"], "temperature": [0.5], "unheard_of": [1],
}
os.makedirs(out, exist_ok=True); cases = []
for name, (Config, Model, base) in MODELS.items():
    fields = {f.name for f in dataclasses.fields(Config)}; missing = fields - set(CHANGES)
    assert not missing, missing
    torch.manual_seed(21); model = Model(Config(**json.loads(json.dumps(base)))).float().eval()
    with torch.no_grad():
        for n, p in model.named_parameters(): p.copy_(1 + 0.2 * torch.randn_like(p) if "norm" in n else 0.5 * torch.randn_like(p) if "conv.conv" in n else torch.randn_like(p) * 1.2 / p.shape[-1] ** 0.5); p.copy_(p.bfloat16().float())
        for n, b in model.named_buffers():
            if n.endswith("expert_bias"): b.copy_(0.3 * torch.randn_like(b))
    folder = os.path.join(out, name); os.makedirs(folder, exist_ok=True); model.config.architectures = [Model.__name__]; model.save_pretrained(folder, save_original_format=True)
    raw = {**base, "model_type": Config.model_type, "architectures": [Model.__name__]}
    json.dump(raw, open(f"{folder}/config.json", "w"), indent=1); [os.remove(f"{folder}/{f}") for f in os.listdir(folder) if f not in ("config.json", "model.safetensors")]
    def run(change):
        config = {k: v for k, v in {**raw, **change}.items() if v != GONE}
        with tempfile.TemporaryDirectory() as d:
            os.symlink(os.path.abspath(f"{folder}/model.safetensors"), f"{d}/model.safetensors"); json.dump(config, open(f"{d}/config.json", "w"))
            try:
                m, info = Model.from_pretrained(d, output_loading_info=True, dtype=torch.float32, attn_implementation="eager")
                bad = {k: sorted(map(str, info[k]))[:2] for k in ("missing_keys", "mismatched_keys") if info[k]}
                if bad: return {"refused": json.dumps(bad)[:160]}
                with torch.no_grad(): o = m.eval()(torch.tensor([ids]))
                return {"logits": [round(float(x), 6) for x in (o[0] if isinstance(o, tuple) else o.logits)[0, -1]]}
            except Exception as e: return {"refused": f"{type(e).__name__}: {str(e).strip().splitlines()[0][:140]}"}
    plain = run({}); cases.append({"model": name, "change": {}, **plain})
    for key, values in CHANGES.items():
        for value in values:
            change = {key: value}
            if key == "rope_scaling" or key == "rope_theta": change["rope_parameters"] = GONE
            if key == "num_hidden_layers" and value == 2: change["layer_types"] = BASE["layer_types"][:2]
            if key == "original_max_position_embeddings": change["rope_parameters"] = YARN
            found = run(change); same = found.get("logits") == plain["logits"]
            cases.append({"model": name, "key": key, "change": change, **({"same": True} if same else found)})
head = {"made_by": f"transformers {transformers.__version__}, torch {torch.__version__}, float32 CPU, eager attention", "ids": ids}
open(f"{out}/keys.json", "w").write(json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
for c in cases: print(c["model"], c["change"], "same" if c.get("same") else c.get("refused", "changes"))
