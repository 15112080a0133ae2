"""Weights that are not the checkpoint's: damaged in one place, or perturbed."""
import torch

from .planting import Mistake


def of(ending: str, change, which: int = 0):
    """`change` of one weight, in place: the `which`th whose name ends so."""
    def changed(weights, config):
        names = [name for name in weights if name.endswith(ending)]
        change(weights[names[min(which, len(names) - 1)]])
    return changed


def every(change):
    """`change` of every matrix but the embedding and the head."""
    def changed(weights, config):
        for name, weight in weights.items():
            if weight.dim() >= 2 and "embed" not in name and "lm_head" not in name:
                weights[name] = change(weight)
    return changed


def element(weight):
    weight.view(-1)[1234 % weight.numel()] *= 1000


def nan(weight):
    weight.view(-1)[99] = float("nan")


def column(weight):
    weight[..., 7] = 0


def row(weight):
    weight[..., 5, :] = 0


def noise(weight):
    random = torch.Generator().manual_seed(7)
    return weight * (1 + 1e-3 * torch.randn(weight.shape, generator=random))


def noisy(weight):
    weight.copy_(noise(weight))


def is_moe(config):
    return config.model_type == "lfm2_moe"


DAMAGE = [
    Mistake("element-of-in-proj", "one element of in_proj times 1000", weights=of("conv.in_proj.weight", element)),
    Mistake("element-of-out-proj", "one element of attention's out_proj times 1000", weights=of("self_attn.out_proj.weight", element)),
    Mistake("column-of-w2", "a column of w2 zeroed", weights=of("feed_forward.w2.weight", column),
            needs=lambda config: getattr(config, "num_dense_layers", 1) > 0),
    Mistake("column-of-expert", "a column of one expert's w2 zeroed",
            weights=of("experts.down_proj", lambda weight: column(weight[1])), needs=is_moe),
    Mistake("row-of-gate", "a row of the router zeroed", weights=of("gate.weight", lambda weight: weight[1].zero_()), needs=is_moe),
    Mistake("row-of-k", "a row of k_proj zeroed", weights=of("k_proj.weight", row)),
    Mistake("row-of-in-proj", "a row of in_proj zeroed", weights=of("conv.in_proj.weight", row)),
    Mistake("noise-in-one", "1e-3 of noise in one out_proj", weights=of("conv.out_proj.weight", noisy)),
    Mistake("noise-in-expert", "1e-3 of noise in one expert", weights=of("experts.down_proj", lambda weight: noisy(weight[1])), needs=is_moe),
    Mistake("noise-in-all", "1e-3 of noise in every matrix", weights=every(noise)),
    Mistake("not-a-number", "a NaN among the weights", weights=of("conv.out_proj.weight", nan)),
]
