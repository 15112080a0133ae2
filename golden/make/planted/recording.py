"""What forward hooks see of a run, by module path, and where two runs first differ."""
import numpy as np
import torch

from .planting import Mistake, build

# What these give is what the module around them gives, or no point of the graph. Of out_proj and w2, it is kept what they are given.
LEFT_OUT = ("experts", "rotary_emb", "pos_emb")
# Of max(1, the largest number): what float32 leaves of sums in another order.
TOLERANCE = 4e-5

Points = dict[str, np.ndarray]


def record(folder: str, mistake: Mistake, ids: list[int]) -> Points:
    """Rows of every point [T, cols], in the order in which they are reached."""
    pieces: dict[str, list[torch.Tensor]] = {}
    rows = 0

    def keep(name: str, value: torch.Tensor) -> None:
        number = value if value.dtype == torch.int64 else value.float()
        pieces.setdefault(name, []).append(number.detach().reshape(rows, -1).clone())

    def probe(module, part, value):
        keep(f"{names[module]}.{part}", value)

    def hook(name):
        def see(module, inputs, output):
            if name.endswith(".gate"):
                scores = pieces.pop(f"{name}.scores")  # seen first, reached second
                logits, weights, experts = output
                if inputs[1:] and inputs[1] is not None:
                    pieces[f"{name[:-5]}.expert_bias"] = [inputs[1].float().reshape(1, -1).clone()]
                keep(f"{name}.logits", logits)
                pieces[f"{name}.scores"] = scores
                keep(f"{name}.experts", experts)
                keep(f"{name}.weights", weights)
            elif name.endswith(("out_proj", "w2")):
                keep(f"{name}.input", inputs[0])
            elif name.split(".")[-1] not in LEFT_OUT:
                keep(name, output[0] if isinstance(output, tuple) else output)
        return see

    model = build(folder, mistake, probe)
    names = {module: name for name, module in model.named_modules()}
    for name, module in model.named_modules():
        if name.startswith("model."):
            module.register_forward_hook(hook(name))
    step = mistake.step or len(ids)
    past = None
    with torch.no_grad():
        for at in range(0, len(ids), step):
            piece = ids[at : at + step]
            rows = len(piece)
            output = model(torch.tensor([piece]), past_key_values=past, use_cache=True)
            past = output.past_key_values
            keep("lm_head", output.logits)
    found = {}
    for name, parts in pieces.items():
        value = torch.cat(parts).numpy()
        found[name] = value.astype(np.int32) if value.dtype == np.int64 else value
    return found


def gap(name: str, a: np.ndarray, b: np.ndarray) -> float:
    """How many times the tolerance the farthest number is off; infinite where shapes, experts or NaN part them."""
    if a.shape != b.shape or (name.endswith(".gate.experts") and (np.sort(a, -1) != np.sort(b, -1)).any()):
        return np.inf
    if name.endswith(".gate.experts"):
        return 0.0
    error = np.abs(a.astype(np.float64) - b)
    error[a == b] = 0
    most = float(error.max(initial=0)) / (TOLERANCE * max(1.0, float(np.abs(a).max(initial=0))))
    return most if most == most else np.inf


def ordered(name: str, points: Points) -> Points:
    """Experts of a token in ascending order, and what belongs to them with them: routers list them as they like."""
    path, _, part = name.rpartition(".")
    experts = {"gate": f"{path}.experts", "experts": f"{path[:-7]}gate.experts"}.get(path.split(".")[-1])
    value = points[name]
    if experts is None or experts not in points or part in ("logits", "scores"):
        return value
    order = np.argsort(points[experts], -1, kind="stable")
    split = value.reshape(len(value), order.shape[-1], -1)
    return np.take_along_axis(split, order[..., None], 1).reshape(value.shape)


def gaps(true: Points, mistaken: Points, is_seen=lambda name: True) -> dict[str, float]:
    """Of every point that both have, in the order of the true run."""
    return {
        name: gap(name, ordered(name, true), ordered(name, mistaken))
        for name in true
        if name in mistaken and is_seen(name)
    }


def first_difference(true: Points, mistaken: Points, is_seen=lambda name: True) -> str | None:
    """The first point whose numbers are not those of the true run."""
    return next((name for name, times in gaps(true, mistaken, is_seen).items() if times > 1), None)


def effects(true: Points, mistaken: Points) -> dict[str, float]:
    """
    Of every point that both have, by how many tolerances a run is off in rows into which no other choice of experts
    enters: a rounding may choose others, and everything after that differs by far more than it was off. A choice itself
    is off by how far apart the scores stood that it takes for each other.
    """
    found, end = {}, None
    for name in true:
        if name not in mistaken:
            continue
        a, b = ordered(name, true), ordered(name, mistaken)
        is_choice = name.endswith(".gate.experts") and a.shape == b.shape
        if not is_choice:
            found[name] = gap(name, a, b) if a.shape != b.shape else gap(name, a[:end], b[:end])
            continue
        # The graph is causal: what another expert gives enters its own row and those after it.
        others = [row for row in range(len(a[:end])) if set(a[row]) != set(b[row])]
        found[name] = max((apart(name, true, row, set(a[row]), set(b[row])) for row in others), default=0.0)
        end = min(others, default=end)
    return found


def apart(name: str, true: Points, row: int, chosen: set[int], instead: set[int]) -> float:
    """By how many tolerances the scores of a row's experts differ that were exchanged, with the bias."""
    lost, won = list(chosen - instead), list(instead - chosen)
    if len(lost) != len(won):  # one of them twice
        return np.inf
    ranked = true[name.replace("experts", "scores")][row].astype(np.float64)
    ranked = ranked + true.get(name.replace("gate.experts", "expert_bias"), np.zeros((1, 1)))[0]
    return float(ranked[lost].min() - ranked[won].max()) / TOLERANCE


def times_rounding(found: dict[str, float], rounding: dict[str, float], is_seen=lambda name: True) -> float:
    """The most that a point is off, in what rounding makes of it, which is a tolerance or more: of a choice, of its scores."""
    made = {name: max(1.0, rounding.get(name.replace(".gate.experts", ".gate.scores"), 0.0)) for name in found}
    return max(times / made[name] for name, times in found.items() if is_seen(name))
