"""Inverse frequencies and attention factors that transformers computes for LFM2 under many RoPE parameters.

usage: make_golden_rope.py > golden/config/rope.json
"""
import json, random, warnings, torch, transformers
from transformers import Lfm2Config
from transformers.models.lfm2.modeling_lfm2 import Lfm2RotaryEmbedding
transformers.logging.set_verbosity_error(); warnings.simplefilter("ignore"); random.seed(7)

def parameters():
    p = {"rope_type": random.choice(["yarn", "yarn", "yarn", "linear"]), "rope_theta": random.choice([50.0, 1e4, 1e6, 5e6]), "factor": random.choice([1.0, 1.5, 2.0, 4.0, 31.25, 0.5])}
    if p["rope_type"] == "linear": return p
    p["original_max_position_embeddings"] = random.choice([16, 4096, 32768, 128000])
    for key, values in dict(beta_fast=[32, 8.0, 1.5, 0], beta_slow=[1, 0.25, 3.0, None], truncate=[True, False, None], attention_factor=[1.0, 1.25, None], mscale=[1.0, 0.707, 0], mscale_all_dim=[1.0, 0.5]).items():
        if random.random() < 0.45: p[key] = random.choice(values)
    if random.random() < 0.1: p["factor"] = None
    return p
cases = []
while len(cases) < 60:
    raw = dict(hidden_size=64 * 4, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=1, max_position_embeddings=131072)
    p = parameters(); raw[random.choice(["rope_parameters", "rope_scaling"])] = p
    if random.random() < 0.3: p["type"] = p.pop("rope_type")
    if random.random() < 0.3: raw["rope_theta"] = p.pop("rope_theta")
    if random.random() < 0.1: raw["original_max_position_embeddings"] = 2048
    text = json.dumps(raw)  # before transformers fills it in
    rope = Lfm2RotaryEmbedding(Lfm2Config(**raw))
    cases.append({"config": {"model_type": "lfm2", **json.loads(text)}, "inverse_frequency": [float(x) for x in rope.inv_freq], "attention_factor": float(rope.attention_scaling)})
print('{"made_by": "transformers %s, torch %s", "cases": [\n%s\n]}' % (transformers.__version__, torch.__version__, ",\n".join(json.dumps(c) for c in cases)))
