"""llama.cpp's own samplers, in the order of its default chain, over the logits of text/samplers.json.

usage: llama_samplers.py LIB_DIR golden/text
LIB_DIR holds libllama and libggml, such as node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp 3.22.1
(llama.cpp v0.5.0, whose penalties take the size of the vocabulary first).
"""
import ctypes as c, glob, json, os, random, sys
lib_dir, text = sys.argv[1:3]
load = lambda pattern: [c.CDLL(p, c.RTLD_GLOBAL) for p in sorted(glob.glob(os.path.join(lib_dir, pattern)))][-1]
load("libggml-base*"); load("libggml[.]*"); L = load("libllama[.]*")

class Data(c.Structure): _fields_ = [("id", c.c_int32), ("logit", c.c_float), ("p", c.c_float)]
class Array(c.Structure): _fields_ = [("data", c.POINTER(Data)), ("size", c.c_size_t), ("selected", c.c_int64), ("sorted", c.c_bool)]
class Bias(c.Structure): _fields_ = [("token", c.c_int32), ("bias", c.c_float)]
def init(name, *kinds):
    f = getattr(L, f"llama_sampler_init_{name}"); f.restype = c.c_void_p; f.argtypes = kinds; return f
bias = init("logit_bias", c.c_int32, c.c_int32, c.POINTER(Bias)); penalties = init("penalties", c.c_int32, c.c_int32, c.c_float, c.c_float, c.c_float)
top_k = init("top_k", c.c_int32); top_p = init("top_p", c.c_float, c.c_size_t); min_p = init("min_p", c.c_float, c.c_size_t)
temp = init("temp", c.c_float); dist = init("dist", c.c_uint32)
L.llama_sampler_apply.argtypes = [c.c_void_p, c.POINTER(Array)]; L.llama_sampler_accept.argtypes = [c.c_void_p, c.c_int32]

def probabilities(logits, history, s):
    biases = s.get("logit_bias", {}); table = (Bias * len(biases))(*[Bias(int(i), b) for i, b in biases.items()])
    chain = [bias(len(logits), len(biases), table),
             penalties(len(logits), 64, s.get("repetition_penalty", 1), s.get("frequency_penalty", 0), s.get("presence_penalty", 0)),
             top_k(s.get("top_k", 0)), top_p(s.get("top_p", 1), 1), min_p(s.get("min_p", 0), 1), temp(s.get("temperature", 1)), dist(1)]
    data = (Data * len(logits))(*[Data(i, l, 0) for i, l in enumerate(logits)]); a = Array(data, len(logits), -1, False)
    for sampler in chain:
        for id in history: L.llama_sampler_accept(sampler, id)
        L.llama_sampler_apply(sampler, c.byref(a))
    return {str(d.id): d.p for d in sorted((a.data[i] for i in range(a.size)), key=lambda d: d.id) if d.p > 1e-20}

rows = [case["logits"] for case in json.load(open(f"{text}/samplers.json"))["cases"]]
r = random.Random(5); cases = []
for i, s in enumerate([
    dict(), dict(temperature=0.3, min_p=0.15, repetition_penalty=1.05), dict(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05),
    dict(temperature=2.5, top_p=0.7), dict(temperature=2.0, min_p=0.3), dict(temperature=0.2, top_k=5),
    dict(frequency_penalty=0.6), dict(presence_penalty=1.5, temperature=0.9), dict(repetition_penalty=1.3, frequency_penalty=-0.4, presence_penalty=0.3, top_p=0.9),
    dict(logit_bias={"3": 100, "7": 99, "11": -100}, temperature=1.5, repetition_penalty=2)]):
    # A small range: many ids more than once; more than 64 ids: some outside of the window.
    history = [r.randrange(40) if j > 20 else r.randrange(40, 120) for j in range(90)]
    cases.append(dict(name=f"case-{i}", settings=s, history=history, logits_of=i, probabilities=probabilities(rows[i], history, s)))
json.dump(dict(made_by="libllama (llama.cpp v0.5.0) of node-llama-cpp 3.22.1, float32", order="logit_bias, penalties, top_k, top_p, min_p, temperature", cases=cases), open(f"{text}/llama-samplers.json", "w"))
print(len(cases), "cases")
