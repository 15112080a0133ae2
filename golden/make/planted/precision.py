"""Rounding, which is no mistake: of the cache, of single operations, of everything."""
import torch

from .attention import SOFTMAX, UPDATED
from .planting import Mistake, edit
from .router import sparse


def cached(name: str, what: str, cast: str) -> Mistake:
    return Mistake(name, what, edit(UPDATED, f"key_states, value_states = past_key_values.update({cast.format('key_states')}, {cast.format('value_states')}, self.layer_idx)\n"))


PRECISION = [
    cached("cache-f16", "keys and values in half precision", "{0}.half().float()"),
    cached("cache-bf16", "keys and values in bfloat16", "{0}.bfloat16().float()"),
    Mistake("softmax-bf16", "attention weights in bfloat16", edit(SOFTMAX, SOFTMAX.replace("torch.float32", "torch.bfloat16"))),
    sparse("router-bf16", "the router in bfloat16", "F.linear(hidden_states, self.weight)",
           "F.linear(hidden_states.bfloat16(), self.weight.bfloat16()).float()"),
    Mistake("all-bf16", "everything in bfloat16", dtype=torch.bfloat16),
    Mistake("all-f16", "everything in half precision", dtype=torch.float16),
]
