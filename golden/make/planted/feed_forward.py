"""Mistakes of feed-forwards, dense and of experts."""
from .planting import Mistake, edit
from .router import is_sparse


def has_dense(config) -> bool:
    return getattr(config, "num_dense_layers", 1) > 0


FEED_FORWARD = [
    Mistake("w1-w3-exchanged", "silu on w3's result instead of w1's",
            edit("F.silu(self.w1(x)) * self.w3(x)", "self.w1(x) * F.silu(self.w3(x))"), needs=has_dense),
    Mistake("expert-w1-w3-exchanged", "silu on the experts' w3 instead of w1",
            edit("gate, up = nn.functional.linear", "up, gate = nn.functional.linear"), needs=is_sparse),
]
