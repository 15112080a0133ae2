"""Where transformers' generate stops when files state more than one id that ends an answer.

usage: two_ends.py HF_DIR OUT.json

Greedy, in float32. `ids` are those after the prompt, with the one that ended them.
"""
import json, os, shutil, sys, tempfile
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

source, out = sys.argv[1:]
transformers.logging.set_verbosity_error()
tokenizer = AutoTokenizer.from_pretrained(source)
IM_END = tokenizer.convert_tokens_to_ids("<|im_end|>")
STOP, COMMA = (tokenizer.encode(text, add_special_tokens=False)[0] for text in (".", ","))
prompts = ["<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n", "Once upon a time", "The sea is"]
ids = [tokenizer(text)["input_ids"] for text in prompts]


def settings(name):
    with open(f"{source}/{name}") as file: return json.load(file)


cases = []
for config_eos, generation_eos in [
    (IM_END, IM_END), (IM_END, [IM_END, STOP]), (IM_END, [COMMA, IM_END, STOP]), ([IM_END, STOP], None), ([IM_END, COMMA], None), (STOP, [IM_END, STOP]),
]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(f"{source}/model.safetensors", folder)
        with open(f"{folder}/config.json", "w") as file: json.dump({**settings("config.json"), "eos_token_id": config_eos}, file)
        if generation_eos is not None:
            with open(f"{folder}/generation_config.json", "w") as file:
                json.dump({**settings("generation_config.json"), "eos_token_id": generation_eos}, file)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        answers = []
        for prompt in ids:
            given = torch.tensor([prompt])
            whole = model.generate(given, attention_mask=torch.ones_like(given), do_sample=False, repetition_penalty=1.0, max_new_tokens=24)
            answers.append(whole[0, len(prompt):].tolist())
    cases.append(dict(config=config_eos, generation_config=generation_eos, ids=answers))
made_by = f"golden/make/two_ends.py, transformers {transformers.__version__}, torch {torch.__version__}"
with open(out, "w") as file:
    json.dump(dict(made_by=made_by, max_new_tokens=24, prompts=ids, cases=cases), file)
    file.write("\n")
