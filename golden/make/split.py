"""How the Rust tokenizers library cuts text into words with LFM2's and LFM2.5's patterns.

usage: split.py golden/text/split.json        needs: pip install tokenizers==0.23.2
"""
import json, random, sys
import tokenizers
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

PATTERNS = {
    "LFM2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "LFM2.5": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s",
}
# Letters that fold to ASCII ones (long s, Kelvin), everything called a space somewhere, digits and marks of other scripts.
ATOMS = ["'", "'", "'", "s", "S", "t", "D", "m", "ll", "lL", "re", "Ve", "v", "\u017f", "\u212a", "k", "a", "B", "é", "e\u0301",
         "ß", "ﬁ", "ﬆ", "中", "日本", "ひ", "ا", "ह", "ि", "1", "23", "4567", "٣", "½", "Ⅳ", "²", " ", " ", "  ", "\t", "\n", "\r\n",
         "\r", "\n\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u00a0", "\u1680", "\u180e", "\u2003", "\u200b", "\u200d", "\u2028",
         "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", ".", "!?", "_", "-", "€", "😀", "👩\u200d👧", "\U0001d518", "\x00", "\x7f"]
FIXED = ["it'\u017fx 'S 't 'LL'VE'reD", "'\u017f\u017f '\u212a", "a \u0085\u0085b", "x\ufeff y", " \n \n  x", "\r\n \n", "a  b   c    ", "   ", "1234567 89"]

rng = random.Random(17)
texts = FIXED + ["".join(rng.choice(ATOMS) for _ in range(rng.randint(1, 14))) for _ in range(400)]
splits = {name: Split(Regex(pattern), "isolated") for name, pattern in PATTERNS.items()}
pieces = {name: [[piece for piece, _ in split.pre_tokenize_str(text)] for text in texts] for name, split in splits.items()}
assert pieces["LFM2"] == pieces["LFM2.5"]
made_by = f"tokenizers {tokenizers.__version__} (Rust); both patterns cut every text alike"
with open(sys.argv[1], "w") as file:
    json.dump({"made_by": made_by, "patterns": PATTERNS, "cases": pieces["LFM2"]}, file, ensure_ascii=True, indent=0)
print(len(texts), "texts")
