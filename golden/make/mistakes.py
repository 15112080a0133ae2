"""Runs of transformers' own code with a mistake in it, recorded by forward hooks.

usage: mistakes.py OUT [--campaign [MODEL …] | --pairs [COUNT]]
Writes OUT/MODEL/MISTAKE.safetensors (input_ids i64[T] and points f32[T, cols], experts i32[T, k]) and OUT/mistakes.json:
what each is, and the first point at which it leaves the true run. Without --campaign: 23 mistakes over ../transformers, with
points inside modules; and under OUT/hooked every mistake once, as hooks alone see it, over models made here, whose
checkpoints are written beside them. With it: every mistake in every one of these models and the trained one, whole; several
hundred MB. With --pairs: COUNT times, 30 unless stated, two or three mistakes of different components at once, drawn from a
seed, whole; about 10 MB.
"""
import argparse
import json
import os
import random
import re
from dataclasses import replace

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import AutoConfig

from planted.attention import ATTENTION
from planted.clean import STEPS, WAYS
from planted.conv import CONV
from planted.blocks import BLOCKS
from planted.damage import DAMAGE
from planted.feed_forward import FEED_FORWARD
from planted.models import MODELS, write_model
from planted.planting import Mistake, together
from planted.precision import PRECISION
from planted.recording import Points, effects, first_difference, record, times_rounding
from planted.router import ROUTER
from planted.stream import STREAM

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CATALOGUE = ROUTER + CONV + ATTENTION + FEED_FORWARD + STREAM + DAMAGE + BLOCKS
MISTAKES = {mistake.name: mistake for mistake in CATALOGUE}
CLEAN = Mistake("none", "as specified")
# Each in two models of different shape.
RECORDED = {
    "moe-small": ["softmax-router", "bias-in-weights", "no-normalization", "no-bias", "one-expert-fewer", "c-before-b",
                  "x-before-c", "flipped-taps", "state-late", "state-lost", "neighbours-rotated", "permuted-q-k",
                  "rope-before-norm", "no-q-k-norm", "heads-modulo", "other-rope-base", "w1-w3-exchanged",
                  "expert-w1-w3-exchanged", "other-eps", "no-final-norm", "bos-twice", "bos-missing"],
    "moe-no-norm": ["softmax-router", "bias-in-weights", "no-bias", "one-expert-fewer", "neighbours-rotated", "permuted-q-k",
                    "rope-before-norm", "no-q-k-norm", "other-rope-base", "expert-w1-w3-exchanged"],
    "moe-no-bias": ["no-normalization", "c-before-b", "x-before-c", "flipped-taps", "state-late", "state-lost"],
    "dense-small": ["heads-modulo", "w1-w3-exchanged", "other-eps", "no-final-norm", "bos-twice", "bos-missing"],
    "moe-yarn": ["no-rope-scaling", "neighbours-rotated"],
    "dense-linear": ["no-rope-scaling", "permuted-q-k"],
}
# What the hooks of these modules give is a tuple, whose parts a plain recording numbers.
NUMBERED = {"gate.logits": "gate.0", "gate.weights": "gate.1", "gate.experts": "gate.2"}
INNER = re.compile(r"\.(in_proj|conv\.conv|input|[qkv]_proj|[qk]_layernorm|[qk]_rope|w[123]|expert_bias|scores)$")
UNSEEN = re.compile(r"\.(conv\.conv|[qk]_rope|experts\.w2|expert_bias|scores)$")


def is_outer(name: str) -> bool:
    return not INNER.search(name)


def is_hooked(name: str) -> bool:
    return not UNSEEN.search(name)


def needed(points: Points, first: str | None) -> Points:
    """The operator or feed-forward where the runs part, whole; of the others what they give. Logits only at the end."""
    part = re.match(r"model\.layers\.\d+\.(conv|self_attn|feed_forward)\b", first or "")
    layer = re.match(r"model\.layers\.\d+\.", first or "")
    return {
        name: value
        for name, value in points.items()
        if first is None
        or re.fullmatch(r"model\.(embed_tokens|embedding_norm|layers\.\d+)", name)
        or (layer and name.startswith(layer[0]) and name.count(".") == 3)
        or (part and name.startswith(f"{part[0]}."))
        or (name == "lm_head" and first in ("lm_head", "model.embedding_norm"))
    }


def write(path: str, ids: list[int], points: Points) -> None:
    stored = {"input_ids": np.array(ids, dtype=np.int64)}
    for name, value in points.items():
        for part, number in NUMBERED.items():
            name = re.sub(f"{re.escape(part)}$", number, name)
        stored["logits" if name == "lm_head" else name] = value
    made = f"transformers {transformers.__version__}, torch {torch.__version__}, float32 CPU, eager attention"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    save_file(stored, path, metadata={"made_by": made})
    os.chmod(path, 0o644)


def true_ids(config, count: int, seed: int) -> list[int]:
    random = torch.Generator().manual_seed(seed)
    return [config.bos_token_id, *torch.randint(8, config.vocab_size, (count - 1,), generator=random).tolist()]


def record_goldens(out: str) -> list[dict]:
    entries = []
    for number, (model, names) in enumerate(RECORDED.items()):
        folder = os.path.join(GOLDEN, "transformers", model)
        ids = true_ids(AutoConfig.from_pretrained(folder), 12, 100 + number)
        true = record(folder, CLEAN, ids)

        def keep(mistake: Mistake) -> None:
            given = mistake.ids(ids) if mistake.ids else ids
            points = record(folder, mistake, given)
            first = first_difference(true, points)
            assert (first is None) == (mistake.name == "none"), f"{mistake.name} in {model}: {first}"
            file = f"{model}/{mistake.name}.safetensors"
            write(os.path.join(out, file), given, needed(points, first))
            entries.append({"file": file, "model": model, "mistake": mistake.name, "what": mistake.what, "ids": ids,
                            "first": first, "firstOuter": first_difference(true, points, is_outer)})

        for name in names:
            keep(MISTAKES[name])
        if model in ("moe-small", "dense-small"):
            keep(Mistake("none", "as specified, 5 ids to a step", step=5))
    return entries


# A mistake counts where it makes more than as many times what rounding makes.
TIMES = 10


class Hooked:
    """True run and mistakes of one model, as hooks alone see them."""

    def __init__(self, out: str, model: str, count: int, seed: int):
        self.out, self.model = out, model
        self.folder = os.path.join(GOLDEN, "nano", "hf") if model == "nano" else os.path.join(out, model)
        if model != "nano":
            write_model(model, self.folder)
        self.config = AutoConfig.from_pretrained(self.folder)
        self.ids = true_ids(self.config, count, seed)
        self.true = record(self.folder, CLEAN, self.ids)

    def can_have(self, mistake: Mistake) -> bool:
        return mistake.needs(self.config) and (mistake not in BLOCKS or self.model == "blocks")

    def keep(self, mistake: Mistake, is_whole: bool, true: Points | None = None, rounding: dict | None = None) -> dict | None:
        """
        None where the mistake changes too little: no point by more than ten times what rounding makes of it.
        true: the run without the mistake, in the same precision; rounding: effects of that precision.
        """
        given = mistake.ids(self.ids) if mistake.ids else self.ids
        points, true = record(self.folder, mistake, given), true or self.true
        first = first_difference(true, points, is_hooked)
        times = times_rounding(effects(true, points), rounding or {}, is_hooked)
        if not first or (times <= TIMES and mistake not in PRECISION):
            return None
        file = f"{self.model}/{mistake.name}.safetensors"
        seen = hooked(points)
        write(os.path.join(self.out, file), given, seen if is_whole else needed(seen, first))
        return {"file": file, "model": self.model, "mistake": mistake.name, "what": mistake.what, "ids": self.ids,
                "step": mistake.step, "first": first, "times": round(min(times, 1e9)),
                "isRounding": mistake in PRECISION}


def record_sample(out: str) -> list[dict]:
    """Every mistake once, each in the model that has had the fewest."""
    models = [Hooked(out, model, 12, 300 + number) for number, model in enumerate(MODELS) if model != "biased"]
    entries = []
    had = dict.fromkeys(models, 0)
    for mistake in CATALOGUE:
        for model in sorted(models, key=had.get):
            entry = model.keep(mistake, False) if model.can_have(mistake) else None
            if entry:
                entries.append(entry)
                had[model] += 1
                break
    return entries


# Two or three at once, in different parts of a layer or in the same one.
SEVERAL = [
    ["softmax-router", "bias-in-weights"], ["no-bias", "no-normalization"], ["gelu", "no-q-k-norm"], ["c-before-b", "neighbours-rotated"],
    ["flipped-taps", "weights-squared"], ["no-c", "rope-reversed", "quick-gelu"], ["other-eps", "no-rope"],
    ["heads-modulo", "no-attention-scale"], ["silu-after-conv", "no-residual"],
]


def rounded(mistake: Mistake, dtype: torch.dtype, name: str) -> Mistake:
    return replace(mistake, name=f"{mistake.name}@{name}", dtype=dtype)


def record_others(model: "Hooked") -> list[dict]:
    """Several mistakes at once, mistakes in half precision, and the true run written down in other ways."""
    entries = []
    for names in SEVERAL:
        mistake = together(*(MISTAKES[name] for name in names))
        entries.append(model.keep(mistake, True) if model.can_have(mistake) else None)
    for name, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        clean = record(model.folder, rounded(CLEAN, dtype, name), model.ids)
        rounding = effects(model.true, clean)
        for mistake in CATALOGUE:
            if not model.can_have(mistake) or mistake.ids:
                continue
            try:
                entry = model.keep(rounded(mistake, dtype, name), True, clean, rounding)
            except RuntimeError:  # a mistake that makes float32 of halves stops where torch mixes neither
                continue
            if entry:
                entries.append({**entry, "precision": name})
    for mistake in STEPS:
        write(os.path.join(model.out, f"{model.model}/{mistake.name}.safetensors"), model.ids, hooked(record(model.folder, mistake, model.ids)))
    for way in WAYS:
        name = way.__name__.replace("_", "-")
        ids = [0, 0, 0, *model.ids] if name == "padded-left" else model.ids
        write(os.path.join(model.out, f"{model.model}/{name}.safetensors"), ids, way(hooked(model.true)))
    clean = [mistake.name for mistake in STEPS] + [way.__name__.replace("_", "-") for way in WAYS]
    entries += [{"file": f"{model.model}/{name}.safetensors", "model": model.model, "mistake": name, "ids": model.ids,
                 "first": None, "isClean": True} for name in clean]
    return [entry for entry in entries if entry]


def hooked(points: Points) -> Points:
    return {name: value for name, value in points.items() if is_hooked(name)}


def record_campaign(out: str, models: list[str]) -> list[dict]:
    entries = []
    for number, name in enumerate([*MODELS, "nano"]):
        if models and name not in models:
            continue
        model = Hooked(out, name, 24, 200 + number)
        found = [model.keep(mistake, name != "nano") for mistake in CATALOGUE + PRECISION if model.can_have(mistake)]
        entries += [entry for entry in found if entry]
        if name != "nano":
            entries += record_others(model)
    return entries


# Where in a layer, or around the layers, a mistake is.
COMPONENTS = [ROUTER, CONV, ATTENTION, FEED_FORWARD, STREAM, DAMAGE]
# After these, every number is NaN.
NOT_FINITE = ("not-a-number", "half-overflow")


def draw(model: "Hooked", count: int, by_layer: bool, chance: random.Random) -> list[Mistake]:
    """Of different components; with `by_layer` each in one layer alone."""
    drawn = []
    for component in chance.sample(COMPONENTS, len(COMPONENTS)):
        possible = [mistake for mistake in component if model.can_have(mistake) and mistake.name not in NOT_FINITE
                    and not mistake.ids and (not by_layer or not (mistake.weights or mistake.config))]
        if possible and len(drawn) < count:
            mistake, layer = chance.choice(possible), chance.randrange(model.config.num_hidden_layers)
            drawn.append(replace(mistake, layers=lambda config, layer=layer: [layer]) if by_layer else mistake)
    return drawn


def is_seen(model: "Hooked", mistakes: list[Mistake], all_points: Points) -> bool:
    """Without any one of them, the run is another by more than ten times what rounding makes."""
    without = [record(model.folder, together(*[other for other in mistakes if other is not one]), model.ids) for one in mistakes]
    return all(times_rounding(effects(points, all_points), {}, is_hooked) > TIMES for points in without)


def record_pairs(out: str, count: int) -> list[dict]:
    """Every third one of three mistakes; every fifth one in single layers."""
    chance = random.Random(71)
    models = [Hooked(out, name, 24, 500 + number) for number, name in enumerate(MODELS) if name != "blocks"]
    entries = []
    while len(entries) < count:
        number, model = len(entries), models[len(entries) % len(models)]
        mistakes = draw(model, 3 if number % 3 == 2 else 2, number % 5 == 4, chance)
        steps = {mistake.step for mistake in mistakes if mistake.step}
        try:
            whole = together(*mistakes)
            if len(steps) < 2 and is_seen(model, mistakes, record(model.folder, whole, model.ids)):
                entry = model.keep(whole, True)
                entries += [entry] if entry and entry["file"] not in {other["file"] for other in entries} else []
        except (AssertionError, RuntimeError):  # one has edited away what the other edits
            continue
    return entries


def list_in(folder: str, entries: list[dict]) -> None:
    lines = ",\n  ".join(json.dumps(entry) for entry in entries)
    with open(os.path.join(folder, "mistakes.json"), "w") as file:
        file.write(f"[\n  {lines}\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--campaign", nargs="*", metavar="MODEL")
    parser.add_argument("--pairs", nargs="?", type=int, const=30, metavar="COUNT")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.campaign is not None:
        return list_in(options.out, record_campaign(options.out, options.campaign))
    if options.pairs is not None:
        return list_in(options.out, record_pairs(options.out, options.pairs))
    list_in(options.out, record_goldens(options.out))
    hooked = os.path.join(options.out, "hooked")
    list_in(hooked, record_sample(hooked))


main()
