"""Replays of session scenarios by transformers, right and with one fault each: golden/sessions.

usage: python golden/make/make_golden_sessions.py golden/sessions

The replay is the recipe of docs/oracle.md, whose text is kept in the metadata of `none`; a fault is an edit of that text.
golden/sessions/MODEL/sessions.json has to be there: `lfm2 golden make -m golden/mistakes/hooked/MODEL --sessions`.
"""
import json
import os
import re
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers.models.lfm2 import modeling_lfm2
from transformers.models.lfm2_moe import modeling_lfm2_moe

UNCHANGED = modeling_lfm2.apply_mask_to_padding_states
HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ["plain", "stretched", "sixteen"]

CONV = "layer.conv_states[0] = torch.cat([row.conv_states[0] for row in rows])"
JOIN = "rows = [cache.layers[i] for cache in caches]"
BEGIN = "live[name][1] if name in live else again([])"
OPEN = 'live[action["open"]] = read, again(read)'
REWIND = 'live[action["rewind"]] = read, again(read)'
STEP = '        elif "step" in action:\n'
POSITIONS = "(mask.cumsum(-1) - 1).clamp(min=0)[:, -new:]"
MASK = "[0] * (before + new - len(read + ids)) + [1] * len(read + ids)"
START = "def batch(chunks):"

HELPERS = '''
def conv_layers(cache):
    return [layer for layer in cache.layers if hasattr(layer, "conv_states")]

def zeroed(cache):
    for layer in conv_layers(cache):
        layer.conv_states[0].zero_()
    return cache

def shifted(cache):  # restored in the wrong order: each layer has the next one's, the last one none
    layers = conv_layers(cache)
    states = [layer.conv_states[0] for layer in layers[1:]] + [torch.zeros_like(layers[-1].conv_states[0])]
    for layer, state in zip(layers, states):
        layer.conv_states[0] = state
    return cache

def scaled(cache):
    for layer in conv_layers(cache):
        layer.conv_states[0] *= 0.5
    return cache

def cropped(cache, to):  # keys and values alone
    cache = copy.deepcopy(cache)
    for layer in cache.layers:
        if not hasattr(layer, "conv_states"):
            layer.keys, layer.values = layer.keys[:, :, :to], layer.values[:, :, :to]
    return cache

def left_behind(cache):  # convolutions' states alone
    cache, empty = copy.deepcopy(cache), DynamicCache(config=model.config)
    cache.layers = [layer if hasattr(layer, "conv_states") else new for layer, new in zip(cache.layers, empty.layers)]
    return cache

'''

# By name: what is wrong, who shipped it, and the edits.
FAULTS = {
    "none": ("as specified", "", []),
    "another-sequence": ("conv state indexed by request", "sglang#23975", [
        (JOIN, JOIN + "\n        turned = rows[1:] + rows[:1]"), (CONV, CONV.replace("in rows", "in turned"))]),
    "shared-state": ("one conv state for all requests, by their place in the batch", "", [
        (CONV, "layer.conv_states[0] = held[i][:len(rows)] if i in held and len(held[i]) >= len(rows) else "
               "torch.cat([row.conv_states[0] for row in rows])"),
        ("    return logits[:, -1]", "    held.update({i: layer.conv_states[0].clone() for i, layer in enumerate(caches[0].layers)"
                                     " if hasattr(layer, 'conv_states')})\n    return logits[:, -1]"),
        (START, "held = {}\n" + START)]),
    "slot-not-zeroed": ("a slot's conv state is still that of the request before", "sglang#24717", [
        (STEP, '        elif "close" in action:\n            free.append(live[action["close"]][1])\n' + STEP),
        ("    live, kept =", "    free = []\n    live, kept ="),
        (BEGIN, "live[name][1] if name in live else left_behind(free.pop()) if free else again([])")]),
    "not-rolled-back": ("conv state keeps the rejected ids, keys and values do not", "vllm#50272", [
        (REWIND, 'live[action["rewind"]] = read, cropped(live[action["rewind"]][1], action["to"])')]),
    "lost-on-hit": ("conv state zeroed on a cache hit", "sglang#34043", [
        (OPEN, 'live[action["open"]] = read, (again(read) if action["from"] in closed else zeroed(again(read)))'),
        (STEP, '        elif "close" in action:\n            closed.append(action["close"])\n' + STEP),
        ("    live, kept =", "    closed = []\n    live, kept =")]),
    "lost-on-restore": ("conv states restored into the layers before", "osaurus#2291, vmlx-swift#210", [
        (OPEN, 'live[action["open"]] = read, (shifted(again(read)) if action["from"] in closed else again(read))'),
        (STEP, '        elif "close" in action:\n            closed.append(action["close"])\n' + STEP),
        ("    live, kept =", "    closed = []\n    live, kept =")]),
    "offset-not-advanced": ("positions of every step begin at 0", "vmlx-swift#211", [
        (POSITIONS, "(mask[:, -new:].cumsum(-1) - 1).clamp(min=0)")]),
    "padding-not-masked": ("padding enters the convolutions", "transformers#41790", [
        (START, "from transformers.models.lfm2 import modeling_lfm2\nfrom transformers.models.lfm2_moe import modeling_lfm2_moe\n"
                "for module in (modeling_lfm2, modeling_lfm2_moe):\n"
                "    module.apply_mask_to_padding_states = lambda states, mask: states\n" + START)]),
    "neighbour-length": ("padding is read like any ids", "mlx-vlm#1946", [(MASK, "[1] * (before + new)")]),
    # A fault that has no name, and an error that is none of sessions.
    "halved-after-rewind": ("conv state halved by a rewind", "", [
        (REWIND, 'live[action["rewind"]] = read, scaled(again(read))')]),
    "wrong-gain": ("a norm's gain is 1 % too large", "", [
        (START, "model.model.layers[0].operator_norm.weight.data *= 1.01\n" + START)]),
}


# Where what each sequence gives alone is kept, too: it takes most of the room.
WITH_ALONE = ["not-rolled-back", "halved-after-rewind", "wrong-gain"]


def recipe() -> str:
    with open(os.path.join(HERE, "../../docs/oracle.md")) as file:
        blocks = re.findall(r"```python\n(.*?)```", file.read(), re.S)
    return next(block for block in blocks if "sessions.json" in block)


def replay(text: str, model: str, folder: str, edits: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    places = [('"MODEL"', repr(os.path.join(HERE, "../mistakes/hooked", model))),
              ('"golden/sessions/sessions.json"', repr(os.path.join(folder, "sessions.json"))),
              ('"replayed.safetensors"', repr(os.path.join(folder, "replayed.part"))),
              (START, HELPERS + START)]
    for old, new in [*edits, *places]:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    try:
        exec(compile(text, "docs/oracle.md", "exec"), {})
    finally:  # one of the faults is in transformers' own code
        for module in (modeling_lfm2, modeling_lfm2_moe):
            module.apply_mask_to_padding_states = UNCHANGED
    seen = load_file(os.path.join(folder, "replayed.part"))
    os.remove(os.path.join(folder, "replayed.part"))
    return seen


def main() -> None:
    out = sys.argv[1]
    torch.set_num_threads(1)
    text, entries = recipe(), []
    for model in MODELS:
        folder = os.path.join(out, model)
        right = replay(text, model, folder, [])
        for name, (what, seen_in, edits) in FAULTS.items():
            found = right if name == "none" else replay(text, model, folder, edits)
            wrong = {array for array in found if (found[array] - right[array]).abs().max() > 4e-5 * right[array].abs().max()}
            scenarios = sorted({array.split(".")[0] for array in wrong})
            # An error of every step is told by one.
            shown = ["alone"] if name == "wrong-gain" else [*scenarios, "alone"] if name in WITH_ALONE else scenarios
            kept = {array: row for array, row in found.items() if name == "none" or array.split(".")[0] in shown}
            file = f"{model}/{name}.safetensors"
            save_file(kept, os.path.join(out, file), metadata={"recipe": text} if name == "none" else None)
            os.chmod(os.path.join(out, file), 0o644)
            entries.append({"file": file, "model": model, "fault": name, "what": what, "seenIn": seen_in, "wrong": scenarios})
    with open(os.path.join(out, "faults.json"), "w") as file:
        file.write("[\n  " + ",\n  ".join(json.dumps(entry) for entry in entries) + "\n]\n")


main()
