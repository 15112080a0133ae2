"""Mistakes of the router: scores, bias, choice, weights."""
from .planting import Mistake, edit


def is_sparse(config) -> bool:
    return config.model_type == "lfm2_moe"


def is_biased(config) -> bool:
    return is_sparse(config) and config.use_expert_bias


def is_normed(config) -> bool:
    return is_sparse(config) and config.norm_topk_prob


ROUTER = [
    Mistake("softmax-router", "softmax over the experts instead of a sigmoid of each",
            edit("router_logits.sigmoid()", "router_logits.softmax(-1)"), needs=is_sparse),
    Mistake("bias-in-weights", "the chosen experts weighted by their biased scores",
            edit("torch.gather(routing_weights, dim=1", "torch.gather(scores_for_routing, dim=1"), needs=is_biased),
    Mistake("no-normalization", "the weights of the chosen experts left as they are",
            edit("if self.norm_topk_prob:", "if False:"), needs=is_normed),
    Mistake("no-bias", "experts chosen without the bias",
            edit("routing_weights + expert_bias", "routing_weights"), needs=is_biased),
    Mistake("one-expert-fewer", "one expert fewer to a token",
            edit("self.top_k = config.num_experts_per_tok", "self.top_k = config.num_experts_per_tok - 1"), needs=is_sparse),
]
