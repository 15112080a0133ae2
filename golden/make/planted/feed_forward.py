"""Mistakes of feed-forwards, dense and of experts."""
from .planting import Mistake, edit
from .router import is_sparse, sparse_layers

DENSE = "F.silu(self.w1(x)) * self.w3(x)"
SPARSE = "self.act_fn(gate) * up"
CHOSEN = "top_k_weights[token_idx, top_k_pos, None]"
WEIGHTED = f"current_hidden_states * {CHOSEN}"
CHUNK = "self.gate_up_proj[expert_idx]).chunk(2, dim=-1)\n"
WHERE = "top_k_pos, token_idx = torch.where(expert_mask[expert_idx])\n"


def has_dense(config) -> bool:
    return getattr(config, "num_dense_layers", 1) > 0


def gated(name: str, what: str, formula: str) -> Mistake:
    """`formula` of g and u, in every feed-forward."""
    of = f"(lambda g, u: {formula})"
    return Mistake(name, what, edit(DENSE, f"{of}(self.w1(x), self.w3(x))") + edit(SPARSE, f"{of}(gate, up)"))


def sparse(name: str, what: str, old: str, new: str) -> Mistake:
    return Mistake(name, what, edit(old, new), needs=is_sparse)


def stacks(weights, config) -> list[str]:
    return [f"model.layers.{layer}.feed_forward.experts" for layer in sparse_layers(config)]


def exchanged_experts(weights, config):
    path = stacks(weights, config)[0]
    for part in ("gate_up_proj", "down_proj"):
        weights[f"{path}.{part}"][[0, 1]] = weights[f"{path}.{part}"][[1, 0]]


def zeroed_expert(weights, config):
    weights[f"{stacks(weights, config)[0]}.down_proj"][1] = 0


def experts_of_next_layer(weights, config):
    for part in ("gate_up_proj", "down_proj"):
        names = [f"{path}.{part}" for path in stacks(weights, config)]
        weights.update(zip(names, [weights[name].clone() for name in names[1:] + names[:1]]))


FEED_FORWARD = [
    Mistake("w1-w3-exchanged", "silu on w3's result instead of w1's",
            edit(DENSE, "self.w1(x) * F.silu(self.w3(x))"), needs=has_dense),
    sparse("expert-w1-w3-exchanged", "silu on the experts' w3 instead of w1",
           "gate, up = nn.functional.linear", "up, gate = nn.functional.linear"),
    gated("gelu", "gelu instead of silu", "F.gelu(g) * u"),
    gated("tanh-gelu", "gelu by way of tanh instead of silu", 'F.gelu(g, approximate="tanh") * u'),
    gated("quick-gelu", "sigmoid of 1.702 times the gate", "g * torch.sigmoid(1.702 * g) * u"),
    gated("hard-silu", "silu in straight pieces", "F.hardswish(g) * u"),
    gated("relu", "relu instead of silu", "F.relu(g) * u"),
    gated("no-activation", "no silu", "g * u"),
    gated("sigmoid-alone", "sigmoid of the gate instead of silu", "torch.sigmoid(g) * u"),
    gated("silu-of-product", "silu of the product", "F.silu(g * u)"),
    gated("no-up", "silu of the gate alone", "F.silu(g)"),
    gated("clamped-swiglu", "gate and up clamped to 1", "F.silu(g.clamp(max=1)) * u.clamp(-1, 1)"),
    gated("oai-swiglu", "the gated unit of gpt-oss", "g.clamp(max=7) * torch.sigmoid(1.702 * g.clamp(max=7)) * (u.clamp(-7, 7) + 1)"),
    gated("half-overflow", "the product in half precision, which overflows", "(F.silu(g) * u * 1e5).half().float() / 1e5"),
    sparse("interleaved-gate-up", "gate and up in turns instead of halves", "gate, up = nn.functional.linear(current_state, " + CHUNK,
           "both = nn.functional.linear(current_state, self.gate_up_proj[expert_idx])\n            gate, up = both[..., ::2], both[..., 1::2]\n"),
    sparse("exchanged-in-one-expert", "w1 and w3 exchanged in one expert",
           CHUNK, CHUNK + "            if expert_idx == 2:\n                gate, up = up, gate\n"),
    sparse("weights-squared", "every expert weighted twice", WEIGHTED, WEIGHTED + " ** 2"),
    Mistake("weights-on-input", "the weights on what experts are given instead of what they give",
            edit("current_state = hidden_states[token_idx]\n", f"current_state = hidden_states[token_idx] * {CHOSEN}\n")
            + edit(WEIGHTED, "current_hidden_states"), needs=is_sparse),
    Mistake("weights-on-gate", "the weights within silu instead of on what experts give",
            edit(SPARSE, f"self.act_fn(gate * {CHOSEN}) * up") + edit(WEIGHTED, "current_hidden_states"), needs=is_sparse),
    sparse("experts-averaged", "the mean of the chosen experts", WEIGHTED, "current_hidden_states / top_k_index.shape[-1]"),
    sparse("experts-unweighted", "the sum of the chosen experts", WEIGHTED, "current_hidden_states"),
    sparse("over-capacity", "four tokens at most to an expert", WHERE, WHERE + "            top_k_pos, token_idx = top_k_pos[:4], token_idx[:4]\n"),
    sparse("last-expert-lost", "only the first choice of a token", WEIGHTED, WEIGHTED + " * (top_k_pos == 0)[:, None]"),
    Mistake("experts-exchanged", "two experts exchanged", weights=exchanged_experts, needs=is_sparse),
    Mistake("expert-zeroed", "an expert whose w2 is zero", weights=zeroed_expert, needs=is_sparse),
    Mistake("experts-of-next-layer", "every layer with the experts of the next", weights=experts_of_next_layer,
            needs=lambda config: is_sparse(config) and len(sparse_layers(config)) > 1),
]
