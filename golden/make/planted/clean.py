"""Runs without a mistake, written down in other ways: what a comparison must not call one."""
import numpy as np

from .planting import Mistake
from .recording import Points

STEPS = [Mistake(f"steps-of-{step}", f"{step} ids to a step", step=step) for step in (1, 2, 5, 9)]


def stream(points: Points) -> dict[str, np.ndarray]:
    return {name: value for name, value in points.items() if name.count(".") == 2 or not name.startswith("model.layers")}


def one_row_of_logits(points: Points) -> dict[str, np.ndarray]:
    return {**points, "lm_head": points["lm_head"][-1:]}


def logits_alone(points: Points) -> dict[str, np.ndarray]:
    return {"lm_head": points["lm_head"]}


def padded_left(points: Points) -> dict[str, np.ndarray]:
    """Three rows of padding before the text, which are no token's."""
    return {name: np.concatenate([value[:1].repeat(3, 0) // 2, value]) for name, value in points.items()}


def channels_first(points: Points) -> dict[str, np.ndarray]:
    """Transposed, as convolutions have it."""
    return {name: value if name.endswith(("experts", "lm_head")) else np.ascontiguousarray(value.T)
            for name, value in points.items()}


def folded(points: Points) -> dict[str, np.ndarray]:
    """A batch axis in front."""
    return {name: value[None] for name, value in points.items()}


def batch_of_two(points: Points) -> dict[str, np.ndarray]:
    return {name: np.stack([value, value]) for name, value in points.items()}


def padded_vocabulary(points: Points) -> dict[str, np.ndarray]:
    return {**points, "lm_head": np.pad(points["lm_head"], ((0, 0), (0, 10)))}


def hidden_states(points: Points) -> dict[str, np.ndarray]:
    """What output_hidden_states gives: the last one after the final norm."""
    layers = [value for name, value in points.items() if name.startswith("model.layers.") and name.count(".") == 2]
    states = [points["model.embed_tokens"], *layers[:-1], points["model.embedding_norm"]]
    return {f"hidden_states.{i}": value for i, value in enumerate(states)}


WAYS = [stream, one_row_of_logits, logits_alone, padded_left, channels_first, folded, batch_of_two, padded_vocabulary, hidden_states]
