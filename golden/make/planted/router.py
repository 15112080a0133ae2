"""Mistakes of the router: scores, bias, choice, weights."""
from .planting import Mistake, edit


def is_sparse(config) -> bool:
    return config.model_type == "lfm2_moe"


def is_biased(config) -> bool:
    return is_sparse(config) and config.use_expert_bias


def is_normed(config) -> bool:
    return is_sparse(config) and config.norm_topk_prob


def is_scaled(config) -> bool:
    return is_sparse(config) and config.routed_scaling_factor != 1


def can_group(config) -> bool:
    return is_biased(config) and config.num_experts % 2 == 0 and 1 < config.num_experts_per_tok <= config.num_experts // 2


def sparse_layers(config) -> list[int]:
    return list(range(config.num_dense_layers, config.num_hidden_layers))


def bias_of_next_layer(weights, config):
    names = [f"model.layers.{layer}.feed_forward.expert_bias" for layer in sparse_layers(config)]
    moved = [weights[name] for name in names[1:] + names[:1]]
    weights.update(zip(names, moved))


NORM = "routing_weights / (routing_weights.sum(dim=-1, keepdim=True) + 1e-6)"
BIASED = "routing_weights + expert_bias\n"
SCALED = "routing_weights * self.routed_scaling_factor"
GROUPS = BIASED + """            pairs = scores_for_routing.view(len(scores_for_routing), 2, -1)
            worse = pairs.topk(2, dim=-1).values.sum(-1).argmin(-1)
            pairs = pairs.scatter(1, worse[:, None, None].expand(-1, 1, pairs.shape[-1]), -1e9)
            scores_for_routing = pairs.flatten(1)
"""
WHERE = "top_k_pos, token_idx = torch.where(expert_mask[expert_idx])"
CHOICE = "torch.topk(scores_for_routing, k=self.top_k, dim=-1)"


def biased(name: str, what: str, old: str, new: str) -> Mistake:
    return Mistake(name, what, edit(old, new), needs=is_biased)


def sparse(name: str, what: str, old: str, new: str) -> Mistake:
    return Mistake(name, what, edit(old, new), needs=is_sparse)


def normed(name: str, what: str, new: str) -> Mistake:
    return Mistake(name, what, edit(NORM, new), needs=is_normed)


ROUTER = [
    sparse("softmax-router", "softmax over the experts instead of a sigmoid of each",
           "router_logits.sigmoid()", "router_logits.softmax(-1)"),
    biased("bias-in-weights", "the chosen experts weighted by their biased scores",
           "torch.gather(routing_weights, dim=1", "torch.gather(scores_for_routing, dim=1"),
    Mistake("no-normalization", "the weights of the chosen experts left as they are",
            edit("if self.norm_topk_prob:", "if False:"), needs=is_normed),
    biased("no-bias", "experts chosen without the bias", "routing_weights + expert_bias", "routing_weights"),
    sparse("one-expert-fewer", "one expert fewer to a token",
           "self.top_k = config.num_experts_per_tok", "self.top_k = config.num_experts_per_tok - 1"),
    sparse("one-expert-more", "one expert more to a token",
           "self.top_k = config.num_experts_per_tok", "self.top_k = config.num_experts_per_tok + 1"),
    Mistake("normalized-too", "weights normalized though the config says no", edit("if self.norm_topk_prob:", "if True:"),
            needs=lambda config: is_sparse(config) and not config.norm_topk_prob),
    biased("bias-twice", "the bias counted twice", BIASED, "routing_weights + 2 * expert_bias\n"),
    biased("bias-shifted", "every expert with the bias of the one before", BIASED, "routing_weights + expert_bias.roll(1)\n"),
    biased("bias-subtracted", "the bias subtracted", BIASED, "routing_weights - expert_bias\n"),
    biased("bias-on-logits", "experts chosen by logits and bias", BIASED, "router_logits + expert_bias\n"),
    Mistake("bias-before-sigmoid", "the bias within the sigmoid, for choice and weights",
            edit("router_logits.sigmoid()", "(router_logits + expert_bias).sigmoid()") + edit(BIASED, "routing_weights\n"),
            needs=is_biased),
    Mistake("bias-of-next-layer", "every layer with the bias of the next", weights=bias_of_next_layer, needs=is_biased),
    Mistake("groups", "experts of the better half alone", edit(BIASED, GROUPS), needs=can_group),
    biased("normed-before-bias", "scores divided by their sum before the bias", "router_logits.sigmoid()",
           "router_logits.sigmoid()\n        routing_weights = routing_weights / routing_weights.sum(-1, keepdim=True)"),
    biased("log-sigmoid", "experts chosen by the logarithm of the score and the bias",
           BIASED, "F.logsigmoid(router_logits) + expert_bias\n"),
    normed("sum-eps", "1e-2 added to the sum of the chosen scores", NORM.replace("1e-6", "1e-2")),
    normed("root-of-k", "the chosen scores divided by the root of their number", "routing_weights / self.top_k**0.5"),
    normed("sum-of-all", "the chosen scores divided by the sum of all", "routing_weights / router_logits.sigmoid().sum(-1, keepdim=True)"),
    normed("softmax-of-chosen", "softmax of the chosen scores", "routing_weights.softmax(-1)"),
    Mistake("biased-sum", "the chosen scores divided by the sum of the biased ones",
            edit(NORM, "routing_weights / (torch.gather(scores_for_routing, 1, selected_experts).sum(-1, keepdim=True) + 1e-6)"),
            needs=lambda config: is_biased(config) and is_normed(config)),
    sparse("weights-times-2.5", "weights 2.5 times as large", SCALED, SCALED + " * 2.5"),
    Mistake("scaling-twice", "routed_scaling_factor applied twice", edit(SCALED, SCALED + "**2"), needs=is_scaled),
    Mistake("no-scaling", "routed_scaling_factor left out", edit(SCALED, "routing_weights"), needs=is_scaled),
    sparse("weights-of-next-expert", "a token's weights with the wrong ones of its experts", SCALED, SCALED + "\n        routing_weights = routing_weights.roll(1, -1)"),
]
