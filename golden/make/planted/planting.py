"""A mistake: what it changes in transformers' own source text, config, weights or ids; and the model that has it."""
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Mistake:
    name: str
    what: str
    # Text of modeling_lfm2_moe.py and modeling_lfm2.py, and what stands there instead.
    edits: tuple[tuple[str, str], ...] = ()
    # Changes a config in place.
    config: Callable[[Any], None] | None = None
    # Changes loaded weights in place, under the names of the model's state_dict.
    weights: Callable[[Weights, Any], None] | None = None
    ids: Callable[[list[int]], list[int]] | None = None
    # Ids to a step; all of them unless stated.
    step: int | None = None
    # Of weights and activations.
    dtype: torch.dtype = torch.float32
    # The layers that have it, by index; all of them unless stated.
    layers: Callable[[Any], list[int]] | None = None
    # What it is made of, where it is several at once.
    members: tuple["Mistake", ...] = ()
    # Whether a model of this config can have it at all.
    needs: Callable[[Any], bool] = field(default=lambda config: True)


def together(*mistakes: Mistake) -> Mistake:
    """Several mistakes in one model."""
    def weights(values, config):
        for mistake in mistakes:
            if mistake.weights:
                mistake.weights(values, config)

    def config(changed):
        for mistake in mistakes:
            if mistake.config:
                mistake.config(changed)

    return Mistake(
        "+".join(mistake.name for mistake in mistakes), "; ".join(mistake.what for mistake in mistakes),
        sum((mistake.edits for mistake in mistakes), ()), config, weights,
        step=next((mistake.step for mistake in mistakes if mistake.step), None), members=mistakes,
        needs=lambda config: all(mistake.needs(config) for mistake in mistakes),
    )


def edit(old: str, new: str) -> tuple[tuple[str, str], ...]:
    return ((old, new),)


# Points inside modules, which no hook sees: text after which, or before which, a probe is put.
PROBES = (
    ("        if self.use_expert_bias:\n            scores_for_routing", "        probe(self, 'scores', routing_weights)\n", "before"),
    ("        y = C * hidden_states\n", "        probe(self, 'conv', hidden_states.transpose(-1, -2))\n", "before"),
    ("        if past_key_values is not None:\n            key_states, value_states = past_key_values.update(",
     "        probe(self, 'q_rope', query_states.transpose(1, 2))\n        probe(self, 'k_rope', key_states.transpose(1, 2))\n", "before"),
    ("        final_hidden_states = torch.zeros_like(hidden_states)\n",
     "        given = hidden_states.new_zeros(*top_k_index.shape, hidden_states.shape[-1])\n", "after"),
    ("            current_hidden_states = nn.functional.linear(current_hidden_states, self.down_proj[expert_idx])\n",
     "            given[token_idx, top_k_pos] = current_hidden_states\n", "after"),
    ("        return final_hidden_states\n", "        probe(self, 'w2', given)\n", "before"),
)


def mistaken_code(kind: str, edits: tuple[tuple[str, str], ...], name: str, probe: Callable) -> Any:
    """transformers' module of `kind` ("lfm2", "lfm2_moe") with `edits` in it, as a module of its own."""
    package = f"transformers.models.{kind}"
    with open(os.path.join(os.path.dirname(transformers.__file__), "models", kind, f"modeling_{kind}.py")) as file:
        text = file.read()
    found = 0
    for old, new in edits:
        if old in text:
            text, found = text.replace(old, new), found + 1
    # The dense model has no router and no experts, so an edit of these may find nothing there, but not all may.
    assert found == len(edits) or (kind == "lfm2" and found > 0) or not edits, f"{name}: text to edit not found in {kind}"
    for anchor, line, where in PROBES:
        if anchor in text:
            text = text.replace(anchor, line + anchor if where == "before" else anchor + line)
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(text)
    try:
        spec = importlib.util.spec_from_file_location(f"{package}.mistaken_{re.sub(r'[^a-z0-9]', '_', name)}", file.name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        module.probe = probe
        spec.loader.exec_module(module)
    finally:
        os.unlink(file.name)
    return module


_loaded: dict[str, tuple[Any, Weights]] = {}


def checkpoint(folder: str) -> tuple[Any, Weights]:
    """Config and float32 weights, as transformers reads them."""
    if folder not in _loaded:
        config = AutoConfig.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        _loaded[folder] = (config, model.state_dict())
    return _loaded[folder]


def build(folder: str, mistake: Mistake, probe: Callable) -> PreTrainedModel:
    """The checkpoint in transformers' code with the mistake in it: eager attention and experts."""
    config = AutoConfig.from_pretrained(folder)
    if mistake.config:
        mistake.config(config)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    kind = config.model_type
    prefix = "Lfm2Moe" if kind == "lfm2_moe" else "Lfm2"
    members = mistake.members or (mistake,)
    everywhere = sum((member.edits for member in members if not member.layers), ())
    code = mistaken_code(kind, everywhere, mistake.name, probe)
    model = getattr(code, f"{prefix}ForCausalLM")(config).float().eval()
    weights = {name: value.clone() for name, value in checkpoint(folder)[1].items()}
    if mistake.weights:
        mistake.weights(weights, config)
    missing, _ = model.load_state_dict(weights, strict=False)
    assert not missing, missing
    for layer in range(config.num_hidden_layers):
        own = sum((member.edits for member in members if member.layers and layer in member.layers(config)), ())
        if own:
            wrong = mistaken_code(kind, everywhere + own, f"{mistake.name}_{layer}", probe)
            for module in model.model.layers[layer].modules():
                if hasattr(wrong, type(module).__name__):
                    module.__class__ = getattr(wrong, type(module).__name__)
    return model.to(mistake.dtype)
