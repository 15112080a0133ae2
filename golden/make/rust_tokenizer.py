"""What the Rust tokenizers library does where implementations differ: cutting text into words with LFM2's and
LFM2.5's patterns, and decoding ids whose bytes are not UTF-8.

usage: rust_tokenizer.py golden/text golden/nano/hf/tokenizer.json        needs: pip install tokenizers==0.23.2
"""
import json, random, sys
import tokenizers
from tokenizers import Regex, Tokenizer
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

# Unicode's White_Space, and what Python, JavaScript or somebody else also calls a space.
SPACES = [*range(0x09, 0x0e), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]
OTHERS = [0x08, *range(0x1c, 0x20), 0xad, 0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0x3164, 0xfeff]
EACH_SPACE = [f"a{c}b{c}{c}c {c} d!{c}e{c}" for c in map(chr, SPACES + OTHERS)]

rng = random.Random(17)
texts = FIXED + EACH_SPACE + ["".join(rng.choice(ATOMS) for _ in range(rng.randint(1, 14))) for _ in range(400)]
splits = {name: Split(Regex(pattern), "isolated") for name, pattern in PATTERNS.items()}
pieces = {name: [[piece for piece, _ in split.pre_tokenize_str(text)] for text in texts] for name, split in splits.items()}
assert pieces["LFM2"] == pieces["LFM2.5"]
library = f"tokenizers {tokenizers.__version__} (Rust)"


def write(name, content):
    with open(f"{sys.argv[1]}/{name}", "w") as file:
        json.dump(content, file, ensure_ascii=True)


write("split.json", {"made_by": f"{library}; both patterns cut every text alike", "patterns": PATTERNS, "cases": pieces["LFM2"]})

# Ids of single bytes lie between the special tokens and the merges, so most sequences break characters.
nano = Tokenizer.from_file(sys.argv[2])
byte_ids = [i for i in range(nano.get_vocab_size()) if len(nano.id_to_token(i)) == 1]
high_ids = [i for i in byte_ids if ord(nano.id_to_token(i)) > 0x7e]
cases = []
for _ in range(300):
    pick = lambda: rng.choice([rng.choice(high_ids)] * 5 + [rng.choice(byte_ids), rng.randrange(16), rng.randrange(nano.get_vocab_size())])
    ids = [pick() for _ in range(rng.randint(1, 12))]
    cases.append({"ids": ids, "text": nano.decode(ids, skip_special_tokens=False), "without_special": nano.decode(ids, skip_special_tokens=True)})
write("decode.json", {"made_by": f"{library}, tokenizer of the embedded model", "cases": cases})
print(len(texts), "texts,", len(cases), "sequences of ids")
