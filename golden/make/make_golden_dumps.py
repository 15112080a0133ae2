"""Recordings of transformers as people make them, for what docs/oracle.md promises: golden/dumps.

usage: make_golden_dumps.py MODEL OUT    (MODEL: golden/transformers/moe-small)
  hooks.safetensors          what the recipe of docs/oracle.md writes; its text is the file's metadata
  batch.safetensors          two prompts, padded on the left, with their attention_mask; every module's output [2, T, …]
  right.safetensors          one prompt, padded on the right, without a mask
  hidden-states.npz          output_hidden_states, each under the name of the layer of its number
  log-probabilities.npy      log-softmax of the last row of logits alone
  channels.safetensors       [channels, positions] and [heads, positions, head_dim]
  bfloat16.safetensors       the recipe in bfloat16
  llamacpp-model.bin, llamacpp-model-tokens.bin      what llama-debug --save-logits would write
"""
import os, re, sys
import numpy as np, torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

source, out = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
os.makedirs(out, exist_ok=True)
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
recipe = re.search(r"```python\n(.*?)```", open(os.path.join(here, "../../docs/oracle.md")).read(), re.S).group(1)
ids = [1, 17, 201, 33, 96, 8, 250, 61, 144]

os.chdir(out)
def run_recipe(text, file):
    text = text.replace("MODEL", source).replace("[[1, 6, 330, 214]]", repr([ids])).replace("theirs.safetensors", file)
    exec(text, {})
    save_file(load_file(file), file, metadata={"recipe": recipe})
run_recipe(recipe, "hooks.safetensors")
run_recipe(recipe.replace("float32", "bfloat16"), "bfloat16.safetensors")

model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, attn_implementation="eager").eval()
KEPT = re.compile(r"(embed_tokens|operator_norm|ffn_norm|embedding_norm|lm_head|layers\.\d+)$")
def run(**inputs):
    seen, hooks = {}, []
    for name, module in model.named_modules():
        if KEPT.search(name):
            hooks.append(module.register_forward_hook(lambda m, i, o, name=name: seen.__setitem__(name, (o[0] if isinstance(o, tuple) else o).detach().clone())))
    with torch.no_grad(): result = model(use_cache=False, **inputs)
    for hook in hooks: hook.remove()
    return seen, result

short = ids[:5]
batch = torch.tensor([[0] * 4 + short, ids])
mask = torch.tensor([[0] * 4 + [1] * 5, [1] * 9])
seen, _ = run(input_ids=batch, attention_mask=mask)
save_file(seen | {"input_ids": batch, "attention_mask": mask}, "batch.safetensors")
seen, _ = run(input_ids=torch.tensor([short + [0] * 3]))
save_file(seen, "right.safetensors")

seen, result = run(input_ids=torch.tensor([ids]), output_hidden_states=True)
np.savez("hidden-states.npz", input_ids=np.array(ids), **{f"model.layers.{i}": h[0].numpy() for i, h in enumerate(result.hidden_states)})
logits = result.logits[0, -1]
np.save("log-probabilities.npy", torch.log_softmax(logits, -1).numpy())
logits.numpy().tofile("llamacpp-model.bin")
np.array(ids, np.int32).tofile("llamacpp-model-tokens.bin")

whole = load_file("hooks.safetensors")
turned = {n: t[0].T.contiguous() for n, t in seen.items() if re.search(r"layers\.\d+$", n)}
heads = {n: t.transpose(1, 2).contiguous() for n, t in whole.items() if n.endswith("q_layernorm")}
save_file(turned | heads | {"input_ids": torch.tensor(ids)}, "channels.safetensors")
