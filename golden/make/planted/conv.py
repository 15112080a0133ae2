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

CONV = [
    Mistake("c-before-b", "C taken from the slice of B and B from that of C",
            edit("B, C, x = BCx.chunk", "C, B, x = BCx.chunk")),
    Mistake("x-before-c", "x taken from the slice of C and C from that of x",
            edit("B, C, x = BCx.chunk", "B, x, C = BCx.chunk")),
    Mistake("flipped-taps", "the last tap on the oldest position",
            edit("weight=weight.unsqueeze(1)", "weight=weight.flip(-1).unsqueeze(1)")),
    Mistake("state-late", "a state that is one position old", edit(UPDATE, LATE), step=5),
    Mistake("state-lost", "a state that is empty at every step", edit(UPDATE, "                pass\n"), step=6),
]
