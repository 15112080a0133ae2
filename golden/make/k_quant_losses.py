"""What llama.cpp's own K-quants lose of five sets of weights, for test/blocks/k-quants.test.ts: the sum of squared
errors, and the same weighed by the importances that llama.cpp's search uses.

usage: k_quant_losses.py LIBGGML_BASE.so        needs: pip install numpy gguf; llama.cpp's libggml-base, such as
       node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so of node-llama-cpp 3.22.1
"""
import ctypes, json, os, struct, sys
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as QT
from gguf.quants import dequantize

COUNT = 65536
HERE = os.path.dirname(os.path.abspath(__file__))
library = ctypes.CDLL(sys.argv[1])
library.ggml_quantize_chunk.restype = ctypes.c_size_t
library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]


def uniform(seed):
    """COUNT numbers in [-1, 1): the upper 24 bits of the states of a xorshift generator."""
    state = seed * 2654435761 % 2**32
    numbers = np.empty(COUNT)
    for i in range(COUNT):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        numbers[i] = (state >> 8) / 2**23 - 1
    return numbers


def trained():
    """A matrix of the embedded model, 384 x 128."""
    with open(f"{HERE}/../nano/hf/model.safetensors", "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        entry = json.loads(file.read(size))["model.layers.3.conv.in_proj.weight"]
        file.seek(8 + size + entry["data_offsets"][0])
        return (np.frombuffer(file.read(2 * 384 * 128), np.uint16).astype(np.uint32) << 16).view(np.float32)


a, b, c, d = (uniform(seed) for seed in (1, 2, 3, 4))
sets = {"uniform": a, "bell": a + b + c + d, "peaked": a * b * c, "shifted": a + b + 1.5, "trained": trained()}
for name, values in sets.items():
    x = np.ascontiguousarray(values, np.float32)
    exact = x.astype(np.float64)
    for qtype in (QT.Q4_K, QT.Q5_K, QT.Q6_K):
        length, size = GGML_QUANT_SIZES[qtype]
        blocks = np.zeros((x.size // length, size), np.uint8)
        library.ggml_quantize_chunk(int(qtype), x.ctypes.data, blocks.ctypes.data, 0, x.size // length, length, None)
        squares = (dequantize(blocks, qtype).reshape(-1) - exact) ** 2
        runs = exact.reshape(-1, 32)
        importance = runs**2 if qtype == QT.Q6_K else np.sqrt((runs**2).mean(axis=1, keepdims=True)) + abs(runs)
        print(f'  ["{name}", "{qtype.name}", {squares.sum():.6g}, {(squares * importance.reshape(-1)).sum():.6g}],')
