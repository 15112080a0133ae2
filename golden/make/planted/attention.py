"""Mistakes of attention: RoPE, the norms of q and k, heads."""
from .planting import Mistake, edit

QUERY = "self.q_layernorm(self.q_proj(hidden_states).view(*hidden_shape))"
KEY = "self.k_layernorm(self.k_proj(hidden_states).view(*hidden_shape))"
ROTATED = "        query_states, key_states = apply_rotary_pos_emb(query_states, key_states, cos, sin)\n"
HALVES = """    x1 = x[..., : x.shape[-1] // 2]
    x2 = x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)
"""


def permuted(weights, config):
    """Rows of q and k as LLaMA's converters for runtimes of the other rotation leave them."""
    for name, weight in weights.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            head_dim = config.hidden_size // config.num_attention_heads
            split = weight.view(-1, 2, head_dim // 2, weight.shape[-1])
            weights[name] = split.transpose(1, 2).reshape(weight.shape)


def other_base(config):
    config.rope_parameters["rope_theta"] = 10_000.0


def is_scaled(config) -> bool:
    return config.rope_parameters["rope_type"] != "default"


def is_grouped(config) -> bool:
    return 1 < config.num_key_value_heads < config.num_attention_heads


ATTENTION = [
    Mistake("neighbours-rotated", "RoPE of neighbouring columns instead of halves",
            edit(HALVES, "    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)\n")
            + edit("emb = torch.cat((freqs, freqs), dim=-1)", "emb = freqs.repeat_interleave(2, dim=-1)")),
    Mistake("permuted-q-k", "rows of q and k in the order for neighbouring columns", weights=permuted),
    Mistake("no-rope-scaling", "the scaling of RoPE left out",
            edit('self.rope_type = self.config.rope_parameters["rope_type"]', 'self.rope_type = "default"'), needs=is_scaled),
    Mistake("rope-before-norm", "RoPE before the norm of q and k",
            edit(QUERY, "self.q_proj(hidden_states).view(*hidden_shape)")
            + edit(KEY, "self.k_proj(hidden_states).view(*hidden_shape)")
            + edit(ROTATED, ROTATED
                   + "        query_states = self.q_layernorm(query_states.transpose(1, 2)).transpose(1, 2)\n"
                   + "        key_states = self.k_layernorm(key_states.transpose(1, 2)).transpose(1, 2)\n")),
    Mistake("no-q-k-norm", "no norm of q and k",
            edit("self.q_layernorm = ", "self.q_layernorm = nn.Identity() #")
            + edit("self.k_layernorm = ", "self.k_layernorm = nn.Identity() #")),
    Mistake("heads-modulo", "query head h reading KV head h modulo their number",
            edit("hidden_states[:, :, None, :, :].expand(batch, num_key_value_heads, n_rep, slen, head_dim)",
                 "hidden_states[:, None, :, :, :].expand(batch, n_rep, num_key_value_heads, slen, head_dim)"),
            needs=is_grouped),
    Mistake("other-rope-base", "a RoPE base of 10000", config=other_base),
]
