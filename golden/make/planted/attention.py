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


MASKED = "        attn_weights = attn_weights + attention_mask\n"
SOFTMAX = "attn_weights = nn.functional.softmax(attn_weights, dim=-1, dtype=torch.float32).to(query.dtype)\n"
UPDATED = "key_states, value_states = past_key_values.update(key_states, value_states, self.layer_idx)\n"
SCALE = "self.scaling = self.head_dim**-0.5"
ANGLES = "position_ids_expanded = position_ids[:, None, :].float()"
SEEN = "device=inputs_embeds.device) + past_seen_tokens"
COSINE = "    cos = cos.unsqueeze(unsqueeze_dim)\n"


def mask(name: str, what: str, seen: str, step: int | None = None) -> Mistake:
    """Query i sees key j where `seen`; `offset`: what stood before the step."""
    return Mistake(name, what, edit(MASKED, f"""        queries, keys = attn_weights.shape[-2:]
        offset = keys - queries
        i, j = torch.arange(queries)[:, None] + offset, torch.arange(keys)[None]
        attn_weights = attn_weights.masked_fill(~({seen}), float("-inf"))
"""), step=step)


def cache(name: str, what: str, change: str, step: int | None = None) -> Mistake:
    """`change` of what the cache gives back; `past`: positions before the step."""
    return Mistake(name, what, edit(UPDATED, UPDATED + f"            past = key_states.shape[-2] - query_states.shape[-2]\n            {change}\n"), step=step)


def exchange(first: str, second: str):
    """Weights under two names, exchanged in every layer."""
    def exchanged(weights, config):
        for name in list(weights):
            if name.endswith(f"{first}.weight"):
                other = name.replace(first, second)
                weights[name], weights[other] = weights[other], weights[name]
    return exchanged


def zeroed_head(weights, config):
    head_dim = config.hidden_size // config.num_attention_heads
    for name, weight in weights.items():
        if name.endswith("q_proj.weight"):
            weight[head_dim : 2 * head_dim] = 0


def transposed_out(weights, config):
    for name, weight in weights.items():
        if name.endswith("self_attn.out_proj.weight"):
            weights[name] = weight.T.contiguous()


def is_plain(config) -> bool:
    return not is_scaled(config)


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
    Mistake("no-attention-scale", "scores not divided by the root of head_dim", edit(SCALE, "self.scaling = 1.0")),
    Mistake("scale-by-head-dim", "scores divided by head_dim", edit(SCALE, "self.scaling = 1 / self.head_dim")),
    Mistake("scale-by-hidden", "scores divided by the root of hidden_size", edit(SCALE, "self.scaling = config.hidden_size**-0.5")),
    mask("no-mask", "every position sees all others", "j >= 0"),
    mask("mask-one-ahead", "every position sees the next", "j <= i + 1"),
    mask("mask-one-short", "no position but the first sees itself", "(j < i) | (j + i == 0)"),
    mask("mask-top-left", "a mask that begins anew at every step", "j <= i - offset", step=7),
    mask("chunk-local", "no position sees the steps before", "(j <= i) & (j >= offset)", step=7),
    mask("chunk-unmasked", "every position sees its whole step", "j >= 0", step=7),
    mask("sliding-window", "every position sees the last five alone", "(j <= i) & (j > i - 5)"),
    Mistake("sink", "softmax over one score of zero more",
            edit(SOFTMAX, "attn_weights = F.pad(attn_weights, (0, 1)).softmax(-1)[..., :-1]\n")),
    Mistake("capped-scores", "scores capped at 2 by tanh", edit(SOFTMAX, "attn_weights = (2 * torch.tanh(attn_weights / 2) + (attention_mask if attention_mask is not None else 0)).softmax(-1)\n")
            + edit("        attn_weights = attn_weights + attention_mask\n", "        pass\n")),
    Mistake("no-q-norm", "no norm of q", edit("self.q_layernorm = ", "self.q_layernorm = nn.Identity() #")),
    Mistake("no-k-norm", "no norm of k", edit("self.k_layernorm = ", "self.k_layernorm = nn.Identity() #")),
    Mistake("q-k-norms-exchanged", "the weights of q's and k's norms exchanged", weights=exchange("q_layernorm", "k_layernorm")),
    Mistake("norm-over-heads", "the norms of q and k over all heads at once",
            edit("variance = hidden_states.pow(2).mean(-1, keepdim=True)",
                 "variance = hidden_states.pow(2).mean((-1, -2) if hidden_states.dim() == 4 else -1, keepdim=True)")),
    Mistake("k-v-exchanged", "the weights of k and v exchanged", weights=exchange("k_proj", "v_proj")),
    Mistake("no-rope", "no RoPE", edit("q_embed = (q * cos) + (rotate_half(q) * sin)", "q_embed = q")
            + edit("k_embed = (k * cos) + (rotate_half(k) * sin)", "k_embed = k")),
    Mistake("rope-on-q-alone", "RoPE of q alone", edit("k_embed = (k * cos) + (rotate_half(k) * sin)", "k_embed = k")),
    Mistake("rope-on-v", "RoPE of v, too",
            edit(ROTATED, ROTATED + "        value_states, _ = apply_rotary_pos_emb(value_states, value_states, cos, sin)\n")),
    Mistake("rope-reversed", "RoPE turned the other way", edit("sin = emb.sin()", "sin = -emb.sin()")),
    Mistake("rope-stretched", "positions divided by 4", edit(ANGLES, ANGLES + " / 4")),
    Mistake("rope-over-hidden", "frequencies of RoPE over hidden_size",
            edit("dtype=torch.float) / dim)", "dtype=torch.float) / config.hidden_size)"), needs=is_plain),
    Mistake("rope-half", "RoPE of the first half of the frequencies alone",
            edit(COSINE, COSINE + "    still = torch.arange(cos.shape[-1]) % (cos.shape[-1] // 2) >= cos.shape[-1] // 4\n"
                 + "    cos, sin = cos.masked_fill(still, 1), sin.masked_fill(still, 0)\n")),
    Mistake("rope-bf16", "angles of RoPE in bfloat16", edit("emb = torch.cat((freqs, freqs), dim=-1)", "emb = torch.cat((freqs, freqs), dim=-1).bfloat16().float()")),
    Mistake("rope-shifted", "positions one too high after the first step", edit(SEEN, SEEN + " + (past_seen_tokens > 0)"), step=7),
    Mistake("rope-twice", "the steps before counted twice", edit(SEEN, SEEN + " * 2"), step=7),
    Mistake("rope-restarted", "positions that begin anew at every step", edit(SEEN, "device=inputs_embeds.device)"), step=7),
    cache("keys-early", "keys of a step one position early", "key_states = torch.cat([key_states[..., : max(past - 1, 0), :], key_states[..., past:, :], key_states[..., -1:, :]], -2) if past else key_states", step=7),
    cache("keys-zeroed", "keys of the steps before zeroed", "key_states = F.pad(key_states[..., past:, :], (0, 0, past, 0))", step=7),
    cache("values-zeroed", "values of the steps before zeroed", "value_states = F.pad(value_states[..., past:, :], (0, 0, past, 0))", step=7),
    Mistake("heads-not-transposed", "heads not brought back behind positions",
            edit("attn_output = attn_output.transpose(1, 2).contiguous()", "attn_output = attn_output.contiguous()")),
    Mistake("one-kv-head", "every query head reading the first KV head",
            edit("hidden_states[:, :, None, :, :].expand(batch, num_key_value_heads, n_rep, slen, head_dim)",
                 "hidden_states[:, :1, None, :, :].expand(batch, num_key_value_heads, n_rep, slen, head_dim)"), needs=is_grouped),
    Mistake("head-zeroed", "a head of q whose rows are zero", weights=zeroed_head),
    Mistake("out-proj-transposed", "out_proj transposed", weights=transposed_out),
]
