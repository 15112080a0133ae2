"""Runs of transformers' own code with a mistake in it, recorded by forward hooks.

usage: mistakes.py OUT
Writes OUT/MODEL/MISTAKE.safetensors (input_ids i64[T] and points f32[T, cols], experts i32[T, k]) and OUT/mistakes.json:
what each is, and the first point at which it leaves the true run, of all points and of those between modules alone.
"""
import argparse
import json
import os
import re

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import AutoConfig

from planted.attention import ATTENTION
from planted.conv import CONV
from planted.feed_forward import FEED_FORWARD
from planted.planting import Mistake
from planted.recording import Points, first_difference, record
from planted.router import ROUTER
from planted.stream import STREAM

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "transformers")
MISTAKES = {mistake.name: mistake for mistake in ROUTER + CONV + ATTENTION + FEED_FORWARD + STREAM}
CLEAN = Mistake("none", "as specified")
POSITIONS = 12
# Every mistake on moe-small, and on a model of another shape.
ALSO = {
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


def is_outer(name: str) -> bool:
    return not INNER.search(name)


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    entries = []
    for number, model in enumerate(["moe-small", *ALSO]):
        folder = os.path.join(GOLDEN, model)
        config = AutoConfig.from_pretrained(folder)
        random = torch.Generator().manual_seed(100 + number)
        ids = [config.bos_token_id, *torch.randint(8, config.vocab_size, (POSITIONS - 1,), generator=random).tolist()]
        true = record(folder, CLEAN, ids)
        names = ALSO.get(model) or [name for name, mistake in MISTAKES.items() if mistake.needs(config)]
        for mistake in (MISTAKES[name] for name in names):
            given = mistake.ids(ids) if mistake.ids else ids
            points = record(folder, mistake, given)
            first = first_difference(true, points)
            assert first, f"{mistake.name} changes nothing in {model}"
            file = f"{model}/{mistake.name}.safetensors"
            write(os.path.join(out, file), given, needed(points, first))
            entries.append({"file": file, "model": model, "mistake": mistake.name, "what": mistake.what, "ids": ids,
                            "first": first, "firstOuter": first_difference(true, points, is_outer)})
        if model in ("moe-small", "dense-small"):
            points = record(folder, Mistake("none", "as specified", step=5), ids)
            assert first_difference(true, points) is None
            write(os.path.join(out, f"{model}/none.safetensors"), ids, needed(points, None))
            entries.append({"file": f"{model}/none.safetensors", "model": model, "mistake": "none",
                            "what": "as specified, 5 ids to a step", "ids": ids, "first": None, "firstOuter": None})
    lines = ",\n  ".join(json.dumps(entry) for entry in entries)
    with open(os.path.join(out, "mistakes.json"), "w") as file:
        file.write(f"[\n  {lines}\n]\n")


main()
