"""Every key that gguf-py knows of a model's architecture, as it stands after `lfm2moe.`.

usage: gguf_keys.py > golden/config/gguf-keys.json
"""
import json, gguf
def strings(cls):
    for name, value in vars(cls).items():
        if isinstance(value, str) and not name.startswith("_"): yield value
        elif isinstance(value, type): yield from strings(value)
keys = sorted({k.removeprefix("{arch}.").replace("{dense}", "dense_2") for k in strings(gguf.constants.Keys) if k.startswith("{arch}.")})
print(json.dumps(keys, indent=1))
