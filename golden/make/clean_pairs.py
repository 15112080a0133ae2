"""Runs of transformers without a mistake, recorded in the ways that people record them: what no comparison may call one.

usage: clean_pairs.py OUT [--models NAME …] [--ways NAME …] [--length IDS]
Writes OUT/MODEL/WAY.safetensors (or .npz, .npy, .bin) for each model of planted/models.py and the trained one, and
OUT/clean.json: of each pair the model's folder, the file, further arguments of `lfm2 compare -m MODEL FILE`, the verdicts and
causes that tell the truth about it, and what must be said of how it was recorded. Models that are not kept beside
mistakes/hooked are written to OUT, too. test/oracle/clean-pairs.ts compares them all.
"""
import argparse
import json
import os
import re

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from planted.models import MODELS, write_model

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
Tensors = dict[str, torch.Tensor]
WAYS = {}

EQUAL = {"verdicts": ["equal"]}
# A choice between experts that lie nearer to each other than rounding is a coin's.
ROUNDED = {"verdicts": ["equal", "rounding", "near-ties"]}


def way(expected: dict = EQUAL, arguments: tuple[str, ...] = (), says: str | None = None):
    """A function that gives what a recording holds, of a model and ids. @param says what must be said of it, a pattern"""
    def add(function):
        told = {} if says is None else {"says": says}
        WAYS[function.__name__.replace("_", "-")] = (function, expected | told, list(arguments))
        return function
    return add


def open_model(folder: str, dtype=torch.float32, attention="eager", **more):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention, **more).eval()


def hooked(model, input_ids, step: int | None = None, **inputs) -> Tensors:
    """Every module's output, as the recipe of docs/oracle.md keeps it; of several steps, one after the other."""
    pieces: dict[str, list[torch.Tensor]] = {}

    def keep(name):
        def hook(module, given, output):
            parts = output if isinstance(output, tuple) else (output,)
            found = {name if len(parts) == 1 else f"{name}.{i}": part for i, part in enumerate(parts)}
            found |= {f"{name}.input": given[0]} if name.endswith(("out_proj", "w2")) else {}
            for path, part in found.items():
                if torch.is_tensor(part):
                    pieces.setdefault(path, []).append(part.detach().clone().contiguous())
        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()]
    logits, past, length = [], None, input_ids.shape[1]
    with torch.no_grad():
        for at in range(0, length, step or length):
            output = model(input_ids[:, at : at + (step or length)], past_key_values=past, use_cache=step is not None, **inputs)
            past = output.past_key_values
            logits.append(output.logits.detach())
    for handle in handles:
        handle.remove()
    found = {name: parts[0] if step is None else torch.cat(parts, 1 if parts[0].dim() > 2 else 0)
             for name, parts in pieces.items() if step is None or not NOT_OF_POSITIONS.search(name)}
    return found | {"input_ids": input_ids, "logits": torch.cat(logits, 1)}


# Channels before positions, and attention weights, whose rows grow with the cache: steps of them are not one tensor.
NOT_OF_POSITIONS = re.compile(r"conv\.conv$|self_attn\.1$|pos_emb")


def is_between_modules(name: str) -> bool:
    return bool(re.fullmatch(r"model\.(embed_tokens|embedding_norm|layers\.\d+(\.(operator|ffn)_norm)?)|logits|input_ids|attention_mask", name))


def stream(tensors: Tensors) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if is_between_modules(name)}


def one(ids: list[int]) -> torch.Tensor:
    return torch.tensor([ids])


@way()
def hooks(folder, ids):
    return hooked(open_model(folder), one(ids))


@way()
def sdpa(folder, ids):
    return hooked(open_model(folder, attention="sdpa"), one(ids))


@way()
def two_threads(folder, ids):
    torch.set_num_threads(2)
    found = hooked(open_model(folder), one(ids))
    torch.set_num_threads(1)
    return found


@way()
def experts_batched(folder, ids):
    return hooked(open_model(folder, experts_implementation="batched_mm"), one(ids))


@way()
def float64(folder, ids):
    return hooked(open_model(folder, torch.float64, experts_implementation="eager"), one(ids))


@way()
def token_by_token(folder, ids):
    return hooked(open_model(folder), one(ids), step=1)


@way()
def chunks_of_five(folder, ids):
    return hooked(open_model(folder), one(ids), step=5)


@way()
def layers_alone(folder, ids):
    return stream(hooked(open_model(folder), one(ids)))


@way()
def hidden_states(folder, ids):
    with torch.no_grad():
        output = open_model(folder)(one(ids), output_hidden_states=True)
    states = {f"hidden_states.{i}": state for i, state in enumerate(output.hidden_states)}
    return states | {"input_ids": one(ids), "logits": output.logits}


@way(says="layers numbered one early")
def hidden_states_as_layers(folder, ids):
    found = hidden_states(folder, ids)
    return {name.replace("hidden_states", "model.layers"): tensor for name, tensor in found.items() if name != "logits"}


@way()
def some_hidden_states(folder, ids):
    """The last one of these is no norm's output."""
    found = hidden_states(folder, ids)
    return {name: tensor for name, tensor in found.items() if name in ("input_ids", "hidden_states.1", "hidden_states.2")}


@way()
def first_hidden_states(folder, ids):
    return some_hidden_states(folder, ids) | {"hidden_states.0": hidden_states(folder, ids)["hidden_states.0"]}


@way()
def weights_without_their_experts(folder, ids):
    """Of what routers give, as a hook keeps it that knows of no experts; of a dense model nothing."""
    found = hooked(open_model(folder), one(ids))
    return {name: tensor for name, tensor in found.items() if not name.endswith("gate.2")}


@way(says="one row for {length}: held against the last")
def one_row_of_logits(folder, ids):
    found = hidden_states(folder, ids)
    return {"input_ids": found["input_ids"], "logits": found["logits"][:, -1].contiguous()}


@way(says="3 rows for {length}: held against the last ones")
def last_rows_of_logits(folder, ids):
    with torch.no_grad():
        return stream(hooked(open_model(folder), one(ids))) | {"logits": open_model(folder)(one(ids), logits_to_keep=3).logits}


@way(says="one row for {length}: held against the last")
def llama_debug(folder, ids):
    return "model.bin", hidden_states(folder, ids)["logits"][0, -1], ids


@way(arguments=("--ids",), says="numbers without a shape read as rows of")
def raw_rows(folder, ids):
    return "rows.bin", hidden_states(folder, ids)["logits"][0], None


@way(arguments=("--ids",), says="log-probabilities for logits")
def log_probabilities(folder, ids):
    return "log-probabilities.npy", torch.log_softmax(hidden_states(folder, ids)["logits"][0, -1], -1), None


@way(says="log-probabilities for logits")
def log_probabilities_of_all(folder, ids):
    found = hidden_states(folder, ids)
    return {"input_ids": found["input_ids"], "logits": torch.log_softmax(found["logits"], -1)}


@way()
def compressed(folder, ids):
    return "compressed.npz", hooked(open_model(folder), one(ids)), None


def batch_of(model, ids, sides: str, **more) -> Tensors:
    """The ids and a longer text in one batch, padded where `sides` says."""
    longer = [ids[0], *(ids * 2)[3 : len(ids) + 6]]
    pad = model.config.pad_token_id
    missing = len(longer) - len(ids)
    blank, kept = [pad] * missing, [1] * len(ids)
    rows = {"left": (blank + ids, [0] * missing + kept), "right": (ids + blank, kept + [0] * missing)}[sides]
    batch, mask = torch.tensor([rows[0], longer]), torch.tensor([rows[1], [1] * len(longer)])
    return hooked(model, batch, attention_mask=mask, **more) | {"attention_mask": mask}


@way(says="of a batch of 2.*4 padded positions left out, as its attention_mask says")
def batch_padded_left(folder, ids):
    return batch_of(open_model(folder), ids, "left")


@way(says="of a batch of 2.*4 padded positions left out, as its attention_mask says")
def batch_padded_right(folder, ids):
    return batch_of(open_model(folder), ids, "right")


@way(says="of a batch of 2.*4 padded positions left out, as its attention_mask says.*heads before positions, joined")
def batch_padded_left_heads_first(folder, ids):
    found = batch_of(open_model(folder), ids, "left")
    return {name: tensor.transpose(1, 2).contiguous() if re.search("[qk]_layernorm$", name) else tensor for name, tensor in found.items()}


@way(says="of a batch of 2.*4 padded positions left out, as its attention_mask says")
def batch_padded_left_with_added_mask(folder, ids):
    found = batch_of(open_model(folder), ids, "left")
    kept = found["attention_mask"][:, None, None, :].bool() & torch.ones(found["attention_mask"].shape[1:] * 2).tril().bool()
    return found | {"attention_mask": torch.where(kept, 0.0, torch.finfo(torch.float32).min)}


@way(says="of a batch of 2.*4 padded positions left out, as its attention_mask says")
def batch_padded_right_with_boolean_mask(folder, ids):
    found = batch_of(open_model(folder), ids, "right")
    return found | {"attention_mask": found["attention_mask"].bool()}


@way(says="of a batch of 2.*one row for {length}: held against the last")
def batch_with_one_row_of_logits_each(folder, ids):
    found = batch_of(open_model(folder), ids, "left")
    return stream(found) | {"logits": found["logits"][:, -1].contiguous(), "attention_mask": found["attention_mask"]}


@way(says="of a batch of 2.*4 padded positions left out: pad_token_id 0")
def batch_padded_left_without_mask(folder, ids):
    found = batch_of(open_model(folder), ids, "left")
    del found["attention_mask"]
    return found


@way(arguments=("--ids",), says="4 padded positions left out: pad_token_id 0")
def padded_left_without_ids(folder, ids):
    found = stream(batch_of(open_model(folder), ids, "left"))
    return {name: tensor[:1].contiguous() for name, tensor in found.items() if name not in ("input_ids", "attention_mask")}


@way(says="{length} padded positions left out: pad_token_id 0")
def padded_left_to_twice(folder, ids):
    model = open_model(folder)
    mask = one([0] * len(ids) + [1] * len(ids))
    padded = one([model.config.pad_token_id] * len(ids) + ids)
    return hooked(model, padded, attention_mask=mask)


@way(arguments=("--ids",), says="{length} padded positions left out: pad_token_id 0")
def padded_right_to_twice(folder, ids):
    found = stream(hooked(open_model(folder), one(ids + [0] * len(ids))))
    return {name: tensor[0].contiguous() for name, tensor in found.items() if name != "input_ids"}


@way()
def mask_of_floats(folder, ids):
    """What create_causal_mask makes of a mask: 0 where a token is seen, the lowest number elsewhere."""
    found = stream(hooked(open_model(folder), one(ids)))
    lowest = torch.finfo(torch.float32).min
    return found | {"attention_mask": torch.triu(torch.full((1, 1, len(ids), len(ids)), lowest), 1)}


@way(says="of a batch of 2, the first sequence")
def batch_folded(folder, ids):
    """Servers run sequences of one length as rows of one matrix."""
    batch = torch.tensor([ids, ids[::-1]])
    found = hooked(open_model(folder), batch)
    return {name: tensor if name == "input_ids" else tensor.reshape(-1, tensor.shape[-1]) for name, tensor in stream(found).items()}


@way(says="of a batch of 2, the first sequence")
def batch_of_two(folder, ids):
    return hooked(open_model(folder), torch.tensor([ids, ids[::-1]]))


@way(says="channels before positions, turned round")
def channels_first(folder, ids):
    found = stream(hooked(open_model(folder), one(ids)))
    return {name: tensor if name == "input_ids" else tensor[0].T.contiguous() for name, tensor in found.items()}


@way(says="heads before positions, joined")
def heads_first(folder, ids):
    found = hooked(open_model(folder), one(ids))
    return {name: tensor.transpose(1, 2).contiguous() if re.search("[qk]_layernorm$", name) else tensor for name, tensor in found.items()}


@way(says="a vocabulary padded to")
def padded_vocabulary(folder, ids):
    found = stream(hooked(open_model(folder), one(ids)))
    return found | {"logits": torch.nn.functional.pad(found["logits"], (0, 10))}


@way(says="a vocabulary padded to")
def vocabulary_padded_with_infinity(folder, ids):
    found = stream(hooked(open_model(folder), one(ids)))
    return found | {"logits": torch.nn.functional.pad(found["logits"], (0, 6), value=-torch.inf)}


def as_stored(tensors: Tensors, dtype) -> Tensors:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


@way(ROUNDED, says="bfloat16")
def stored_as_bf16(folder, ids):
    return as_stored(hooked(open_model(folder), one(ids)), torch.bfloat16)


@way(ROUNDED, says="float16")
def stored_as_f16(folder, ids):
    return as_stored(hooked(open_model(folder), one(ids)), torch.float16)


@way(ROUNDED, ("--precision", "bf16"), says="bfloat16")
def run_in_bf16(folder, ids):
    return hooked(open_model(folder, torch.bfloat16), one(ids))


@way(ROUNDED, ("--precision", "f16"), says="float16")
def run_in_f16(folder, ids):
    return hooked(open_model(folder, torch.float16), one(ids))


@way(ROUNDED, ("--precision", "bf16"), says="bfloat16")
def run_in_bf16_written_as_float32(folder, ids):
    return as_stored(hooked(open_model(folder, torch.bfloat16), one(ids)), torch.float32)


@way(ROUNDED, ("--precision", "bf16"), says="bfloat16.*4 padded positions")
def batch_padded_left_in_bf16(folder, ids):
    return batch_of(open_model(folder, torch.bfloat16), ids, "left")


@way(ROUNDED, ("--precision", "f16"), says="float16")
def token_by_token_in_f16(folder, ids):
    return hooked(open_model(folder, torch.float16), one(ids), step=1)


def differs(*causes: str) -> dict:
    return {"verdicts": ["different"], "causes": list(causes)}


@way(differs("missing-bos"), ("--ids",))
def without_bos(folder, ids):
    return hooked(open_model(folder), one(ids[1:]))


@way(differs("missing-bos"), ("--ids",))
def without_bos_or_ids(folder, ids):
    found = stream(hooked(open_model(folder), one(ids[1:])))
    del found["input_ids"]
    return found


@way(differs("doubled-bos"), ("--ids",))
def with_two_bos(folder, ids):
    return stream(hooked(open_model(folder), one([ids[0], *ids])))


@way(differs("missing-bos"), ("--ids-without-bos",))
def with_a_bos_of_its_own(folder, ids):
    """The other side's ids have none."""
    return stream(hooked(open_model(folder), one(ids)))


@way(differs("missing-bos"), ("--ids-without-bos",))
def with_a_bos_that_is_not_listed(folder, ids):
    found = stream(hooked(open_model(folder), one(ids)))
    del found["input_ids"]
    return found


def write(folder: str, name: str, given) -> str:
    if isinstance(given, dict):
        file = f"{name}.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in given.items()}, os.path.join(folder, file))
        return file
    ending, tensors, ids = given
    file = ending if ending.startswith(name) else f"{name}-{ending}"
    path = os.path.join(folder, file)
    if ending.endswith(".npz"):
        np.savez_compressed(path, **{key: tensor.numpy() for key, tensor in tensors.items()})
    elif ending.endswith(".npy"):
        np.save(path, tensors.numpy())
    else:
        tensors.numpy().tofile(path)
        if ids:
            np.array(ids, np.int32).tofile(path.replace(".bin", "-tokens.bin"))
    return file


def folder_of(model: str, own: str) -> str:
    if model == "nano":
        return os.path.join(GOLDEN, "nano", "hf")
    kept = os.path.join(GOLDEN, "mistakes", "hooked", model)
    if os.path.exists(kept):
        return kept
    write_model(model, own)
    return own


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--models", nargs="*", default=[*MODELS, "nano"])
    parser.add_argument("--ways", nargs="*", default=[*WAYS])
    parser.add_argument("--length", type=int, default=10, help="ids")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = []
    for model in options.models:
        own = os.path.join(options.out, model)
        os.makedirs(own, exist_ok=True)
        folder = folder_of(model, own)
        random = torch.Generator().manual_seed([*MODELS, "nano"].index(model) + 500)
        config = open_model(folder).config
        ids = [config.bos_token_id, *torch.randint(8, config.vocab_size, (options.length - 1,), generator=random).tolist()]
        for name in options.ways:
            record, expected, arguments = WAYS[name]
            file = write(own, name, record(folder, ids))
            given = {"--ids": ["--ids", ",".join(map(str, ids))], "--ids-without-bos": ["--ids", ",".join(map(str, ids[1:]))]}
            words = [word for argument in arguments for word in given.get(argument, [argument])]
            if "says" in expected:
                expected = expected | {"says": expected["says"].replace("{length}", str(options.length))}
            place = os.path.relpath(folder, options.out if folder == own else GOLDEN)
            pairs.append({"model": model, "folder": place, "isGolden": folder != own, "way": name, "file": f"{model}/{file}",
                          "arguments": words, **expected})
    with open(os.path.join(options.out, "clean.json"), "w") as listed:
        listed.write("[\n  " + ",\n  ".join(map(json.dumps, pairs)) + "\n]\n")


main()
