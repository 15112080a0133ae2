"""Mistakes of what runs through all layers: ids, norms, residuals, the head."""
from .planting import Mistake, edit


def other_eps(config):
    config.norm_eps = 1e-3


STREAM = [
    Mistake("other-eps", "eps 1e-3 in every norm", config=other_eps),
    Mistake("no-final-norm", "no norm after the last layer",
            edit("self.embedding_norm = ", "self.embedding_norm = nn.Identity() #")),
    Mistake("bos-twice", "the beginning-of-text token twice", ids=lambda ids: ids[:1] + ids),
    Mistake("bos-missing", "no beginning-of-text token", ids=lambda ids: ids[1:]),
]
