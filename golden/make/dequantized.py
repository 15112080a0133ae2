"""SHA-256 of what gguf-py's dequantize gives for 4,096 pseudo-random blocks of each format, NaN made 0x7fc00000,
for test/blocks/decode.test.ts.

usage: dequantized.py        needs: pip install numpy gguf
"""
import hashlib
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as QT
from gguf.quants import dequantize

BLOCKS = 4096
FORMATS = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4".split()


def random_bytes(seed, count):
    """The top byte of each state of a xorshift generator."""
    state = seed * 2654435761 % 2**32 or 1
    out = np.empty(count, np.uint8)
    for i in range(count):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        out[i] = state >> 24
    return out


for name in FORMATS:
    qtype = getattr(QT, name)
    _, block_bytes = GGML_QUANT_SIZES[qtype]
    blocks = random_bytes(int(qtype), BLOCKS * block_bytes).reshape(BLOCKS, block_bytes)
    with np.errstate(all="ignore"):
        weights = np.ascontiguousarray(dequantize(blocks, qtype), dtype="<f4").ravel().copy()
    weights.view(np.uint32)[np.isnan(weights)] = 0x7FC00000
    print(f'  {name}: "{hashlib.sha256(weights.tobytes()).hexdigest()}",')
