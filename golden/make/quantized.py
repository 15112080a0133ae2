"""SHA-256 of what gguf-py's quantize gives for 2,048 pseudo-random blocks of 32 weights, for test/blocks/encode.test.ts.

usage: quantized.py        needs: pip install numpy gguf
"""
import hashlib
import numpy as np
from gguf.constants import GGMLQuantizationType as QT
from gguf.quants import quantize

BLOCKS = 2048
FORMATS = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0".split()


def random_words(count):
    """The states of a xorshift generator."""
    state = 2654435761
    for _ in range(count):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        yield state


def weights():
    """Blocks of five kinds in turn, from 24 random bits a weight: of sizes from 2^-22 to 2^9; eighths, whose quotients
    are often ties; positive; zeros but for one; all alike."""
    signed = np.fromiter(random_words(32 * BLOCKS), np.uint32).reshape(BLOCKS, 32).astype(np.int64) // 256 - 2**23
    blocks = np.zeros((BLOCKS, 32))
    for b, numbers in enumerate(signed):
        kind = b % 5
        if kind == 0: blocks[b] = numbers / 2.0 ** (45 - b % 32)
        if kind == 1: blocks[b] = (numbers // 2**16) / 8
        if kind == 2: blocks[b] = (numbers + 2**23) / 2.0**24 + 0.25
        if kind == 3: blocks[b][b % 32] = numbers[0] / 2.0**24
        if kind == 4: blocks[b] = numbers[0] / 2.0**24
    return blocks.astype(np.float32)


x = weights()
for name in FORMATS:
    with np.errstate(all="ignore"):
        encoded = np.ascontiguousarray(quantize(x, getattr(QT, name)))
    print(f'  {name}: "{hashlib.sha256(encoded.tobytes()).hexdigest()}",')
