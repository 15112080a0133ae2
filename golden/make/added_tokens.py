"""Tokens that stand beside tokenizer.json's: their ids and texts by transformers' AutoTokenizer.

usage: added_tokens.py HF_DIR OUT.json

Each case changes keys of HF_DIR's tokenizer_config.json (null takes a key out), and may add the older files in which
tokens were stated.
"""
import json, os, shutil, sys, tempfile
import transformers
from transformers import AutoTokenizer

source, out = sys.argv[1:]
transformers.logging.set_verbosity_error()
with open(f"{source}/tokenizer_config.json") as file: config = json.load(file)
with open(f"{source}/tokenizer.json") as file: tokenizer = json.load(file)
size = len(tokenizer["model"]["vocab"])


def token(content, special=True):
    return dict(content=content, lstrip=False, normalized=False, rstrip=False, single_word=False, special=special)


def changed(changes):
    return {**config["added_tokens_decoder"], **{str(id): token(*stated) for id, stated in changes.items()}}


text = "the<|x|> b<|y|>\nc<think>d<|im_end|>th"
th = tokenizer["model"]["vocab"]["th"]
cases = []
none = dict(added_tokens_decoder=None)
SPECIAL, ADDED = "special_tokens_map.json", "added_tokens.json"
for name, changes, *files in [
    ("nothing", {}),
    ("no added_tokens_decoder", dict(added_tokens_decoder=None)),
    ("two in added_tokens_decoder", dict(added_tokens_decoder=changed({size: ("<|x|>",), size + 1: ("<|y|>", False)}))),
    ("added_tokens_decoder alone, without those of tokenizer.json", dict(added_tokens_decoder={str(size): token("<|y|>")})),
    ("an ordinary token in added_tokens_decoder", dict(added_tokens_decoder=changed({th: ("th", False)}))),
    ("another flag in added_tokens_decoder", dict(added_tokens_decoder=changed({14: ("<think>", True)}))),
    ("another id of a known one", dict(added_tokens_decoder=changed({300: ("<|im_end|>",)}))),
    ("extra_special_tokens", dict(extra_special_tokens=["<|y|>", "<|x|>", "<|im_end|>", "th"])),
    ("extra_special_tokens by name", dict(extra_special_tokens=dict(image_token="<|x|>", thinking_token="<think>"))),
    ("additional_special_tokens", dict(additional_special_tokens=["<|x|>"])),
    ("both lists", dict(additional_special_tokens=["<|x|>"], extra_special_tokens=["<|y|>"])),
    ("a new pad_token, one by another name, and one more", dict(pad_token="<|x|>", image_token="<|y|>", extra_special_tokens=["th"])),
    ("all of them", dict(added_tokens_decoder=changed({size: ("<|y|>",)}), extra_special_tokens=["<|x|>"])),
    ("older files beside added_tokens_decoder", {}, {SPECIAL: dict(pad_token="<|x|>"), ADDED: {"<|y|>": size}}),
    ("added_tokens.json", none, {ADDED: {"<|y|>": size, "<|x|>": size + 1, "<|im_end|>": 7}}),
    ("a new pad_token in special_tokens_map.json", none, {SPECIAL: dict(pad_token="<|x|>")}),
    ("one that another file has, too", {**none, "pad_token": "<|y|>"}, {SPECIAL: dict(pad_token=dict(content="<|x|>", lstrip=False, normalized=False, rstrip=False, single_word=False))}),
    ("another name in special_tokens_map.json", none, {SPECIAL: dict(image_token="<|x|>")}),
    ("additional_special_tokens in special_tokens_map.json", none, {SPECIAL: dict(additional_special_tokens=["<|x|>"])}),
    ("extra_special_tokens in special_tokens_map.json", {**none, "extra_special_tokens": ["<|y|>"]}, {SPECIAL: dict(extra_special_tokens=["<|x|>", "<|y|>"])}),
    ("extra_special_tokens by name in special_tokens_map.json", none, {SPECIAL: dict(extra_special_tokens=dict(image_token="<|x|>"))}),
    ("both older files", none, {SPECIAL: dict(pad_token="<|y|>"), ADDED: {"<|x|>": size, "<|y|>": size + 1}}),
]:
    with tempfile.TemporaryDirectory() as folder:
        for file in ("tokenizer.json", "config.json"): shutil.copy(f"{source}/{file}", folder)
        stated = {key: value for key, value in {**config, **changes}.items() if value is not None}
        with open(f"{folder}/tokenizer_config.json", "w") as file: json.dump(stated, file)
        for file, content in (files[0] if files else {}).items():
            with open(f"{folder}/{file}", "w") as out_file: json.dump(content, out_file)
        opened = AutoTokenizer.from_pretrained(folder)
    ids = opened(text, add_special_tokens=False)["input_ids"]
    shown = opened.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    cases.append(dict(name=name, changes=changes, **(dict(files=files[0]) if files else {}), ids=ids, decoded_without_special=shown))
made_by = f"golden/make/added_tokens.py, transformers {transformers.__version__}"
with open(out, "w") as file:
    json.dump(dict(made_by=made_by, text=text, cases=cases), file, indent=1)
    file.write("\n")
