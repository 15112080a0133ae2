"""Mistakes of the gated short convolution: its gates, its taps, its state."""
from .planting import Mistake, edit

UPDATE = """                hidden_states = past_key_values.update_conv_state(
                    hidden_states, self.layer_idx, conv_kernel_size=self.conv_kernel_size
                )
"""
# All inputs so far, kept by the module itself.
LATE = """                seen = getattr(self, "seen", hidden_states.new_zeros(1, hidden_states.shape[1], self.conv_kernel_size))
                self.seen = torch.cat([seen, hidden_states], dim=-1)
                hidden_states = torch.cat([seen[..., -self.conv_kernel_size : -1], hidden_states], dim=-1)
"""

CONVOLVED = """    out = F.conv1d(
        hidden_states.to(weight.dtype),
        weight=weight.unsqueeze(1),
"""
CUT = "        groups=hidden_size,\n    )[:, :, :seq_len]"
CALL = "hidden_states, self.conv.weight.squeeze(1), self.conv.bias, seq_idx=seq_idx"


def kept(value: str, state: str = "seen[..., 1 - self.conv_kernel_size :]") -> tuple[tuple[str, str], ...]:
    """A state of `value`, read as `state`."""
    return edit(UPDATE, f"""                new = {value}
                seen = getattr(self, "seen", new.new_zeros(1, new.shape[1], self.conv_kernel_size))
                self.seen = torch.cat([seen, new], dim=-1)
                hidden_states = torch.cat([{state}, hidden_states], dim=-1)
""")


def interleaved_in_proj(weights, config):
    for name, weight in weights.items():
        if name.endswith("conv.in_proj.weight"):
            weights[name] = weight.view(3, -1, weight.shape[-1]).transpose(0, 1).reshape(weight.shape)


def taps_of_next_layer(weights, config):
    names = [name for name in weights if name.endswith("conv.conv.weight")]
    weights.update(zip(names, [weights[name].clone() for name in names[1:] + names[:1]]))


def convs(config) -> int:
    return config.layer_types.count("conv")


CONV = [
    Mistake("c-before-b", "C taken from the slice of B and B from that of C",
            edit("B, C, x = BCx.chunk", "C, B, x = BCx.chunk")),
    Mistake("x-before-c", "x taken from the slice of C and C from that of x",
            edit("B, C, x = BCx.chunk", "B, x, C = BCx.chunk")),
    Mistake("flipped-taps", "the last tap on the oldest position",
            edit("weight=weight.unsqueeze(1)", "weight=weight.flip(-1).unsqueeze(1)")),
    Mistake("state-late", "a state that is one position old", edit(UPDATE, LATE), step=5),
    Mistake("state-lost", "a state that is empty at every step", edit(UPDATE, "                pass\n"), step=6),
    Mistake("state-of-x", "a state of x instead of its product with B", kept("x"), step=7),
    Mistake("state-gated", "a state that was multiplied by C", kept("C * hidden_states"), step=7),
    Mistake("state-reversed", "a state whose positions are reversed",
            kept("hidden_states", "seen[..., 1 - self.conv_kernel_size :].flip(-1)"), step=7),
    Mistake("state-replaced", "a state that knows the last step alone, of one position",
            kept("hidden_states", "F.pad(seen[..., -1:], (self.conv_kernel_size - 2, 0))"), step=1),
    Mistake("silu-of-b", "silu of B", edit("hidden_states = B * x\n", "hidden_states = F.silu(B) * x\n")),
    Mistake("sigmoid-of-c", "sigmoid of C", edit("y = C * hidden_states\n", "y = torch.sigmoid(C) * hidden_states\n")),
    Mistake("no-b", "B left out", edit("hidden_states = B * x\n", "hidden_states = x\n")),
    Mistake("no-c", "C left out", edit("y = C * hidden_states\n", "y = hidden_states\n")),
    Mistake("silu-after-conv", "silu after the convolution", edit(CALL, CALL + ', activation="silu"')),
    Mistake("padded-right", "zeros after the sequence instead of before it", edit(CUT, CUT.replace(":seq_len", "-seq_len:"))),
    Mistake("conv-late", "the convolution one position late", edit("        padding=padding,\n", "        padding=padding + 1,\n")),
    Mistake("channels-reversed", "the taps of the channels in reverse order",
            edit(CONVOLVED, CONVOLVED.replace("weight.unsqueeze(1)", "weight.flip(0).unsqueeze(1)"))),
    Mistake("newest-tap-lost", "the newest position without its tap",
            edit(CONVOLVED, CONVOLVED.replace("weight.unsqueeze(1)", "F.pad(weight[..., :-1], (0, 1)).unsqueeze(1)"))),
    Mistake("in-proj-interleaved", "rows of in_proj in turns instead of thirds", weights=interleaved_in_proj),
    Mistake("taps-of-next-layer", "every convolution with the taps of the next", weights=taps_of_next_layer,
            needs=lambda config: convs(config) > 1),
]
