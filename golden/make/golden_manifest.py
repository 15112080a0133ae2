"""golden.json for a folder of safetensors files that hold input_ids and expected tensors: what `lfm2 golden check` reads.

usage: golden_manifest.py FOLDER --by TEXT --again COMMAND --tolerance GLOB ATOL REASON … [--model PATH | --model-per-file]
A tolerance is ATOL × max(1, the largest number of the tensor). With --model-per-file, X.safetensors belongs to X.gguf,
and files without one are left out.
"""
import argparse, json, os, re
from safetensors import safe_open

ap = argparse.ArgumentParser(); ap.add_argument("folder"); ap.add_argument("--by", required=True); ap.add_argument("--again", required=True)
ap.add_argument("--tolerance", nargs=3, action="append", required=True); ap.add_argument("--model"); ap.add_argument("--model-per-file", action="store_true")
a = ap.parse_args()

def number(name): return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
cases = []
for file in sorted((f for f in os.listdir(a.folder) if f.endswith(".safetensors") and f != "model.safetensors"), key=number):
    gguf = file.replace(".safetensors", ".gguf")
    if a.model_per_file and not os.path.exists(os.path.join(a.folder, gguf)): continue
    with safe_open(os.path.join(a.folder, file), "np") as f: ids = f.get_tensor("input_ids").tolist()
    cases.append({"file": file, "ids": ids} | ({"model": gguf} if a.model_per_file else {}))
tolerances = [{"points": p, "atol": float(t), "rtol": 0, "ofLargest": True, "reason": r} for p, t, r in a.tolerance]
head = {"format": "lfm2-golden", "version": 1}
if a.model: head["model"] = {"name": os.path.basename(os.path.abspath(a.folder)), "path": a.model}
head |= {"made": {"by": a.by, "again": a.again}, "run": {"mode": "exact", "kvType": "f32"}, "names": "hf"}
lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
for key, entries in (("cases", cases), ("tolerances", tolerances)):
    lines.append(f"  {json.dumps(key)}: [\n" + ",\n".join("    " + json.dumps(e, ensure_ascii=False) for e in entries) + "\n  ]")
with open(os.path.join(a.folder, "golden.json"), "w") as f: f.write("{\n" + ",\n".join(lines) + "\n}\n")
