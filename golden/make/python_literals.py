"""What Python makes of values as models write them: golden/text/python-literals.json.

    python3 golden/make/python_literals.py > golden/text/python-literals.json

Python alone. The expressions are those of python_literals.txt, one a line, and 400 that are generated; with a number, so
many of those. Each entry has
  source   an expression, which is an argument: f(a=…)
  parses   true where Python has such an expression
  literal  what ast.literal_eval makes of it, as JSON; absent where it refuses, or JSON has no such value
  value    what eval makes of it, as JSON, for expressions of constants; absent likewise

Tuples and sets are lists in JSON, sets in the order in which they are written; keys are as json.dumps writes them, and
keys that json.dumps would write twice have no JSON. Floats are repr's.
"""

import ast
import json
import math
import pathlib
import random
import sys
import warnings

warnings.simplefilter("ignore")


class NoJson(Exception):
    pass


def to_json(value):
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NoJson
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_json, value)) + "]"
    if isinstance(value, (set, frozenset)) and len(value) < 2:
        return to_json(list(value))
    if isinstance(value, dict):
        return pairs_to_json([(key, to_json(member)) for key, member in value.items()])
    raise NoJson


def pairs_to_json(pairs):
    keys = [key_text(key) for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise NoJson
    return "{" + ", ".join(json.dumps(key) + ": " + text for key, (_, text) in zip(keys, pairs)) + "}"


def key_text(key):
    if isinstance(key, float) and not math.isfinite(key):
        raise NoJson
    try:
        [name] = json.loads(json.dumps({key: 0}))
    except (TypeError, ValueError):
        raise NoJson
    return name


def node_to_json(node, evaluate):
    """As to_json of the node's value, but for the order of sets."""
    if isinstance(node, ast.Set):
        seen = {}
        for element in node.elts:
            seen.setdefault(evaluate(element), node_to_json(element, evaluate))
        return "[" + ", ".join(seen.values()) + "]"
    if isinstance(node, (ast.List, ast.Tuple)):
        return "[" + ", ".join(node_to_json(element, evaluate) for element in node.elts) + "]"
    if isinstance(node, ast.Dict):
        members = {}
        for key, member in zip(node.keys, node.values):
            members[evaluate(key)] = node_to_json(member, evaluate)
        return pairs_to_json(list(members.items()))
    return to_json(evaluate(node))


def evaluate_constants(node):
    """Raises whatever the expression does."""
    return eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})


CONSTANTS = (
    ast.Expression, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.JoinedStr,
    ast.FormattedValue, ast.unaryop, ast.operator, ast.expr_context,
)


def entry(source):
    found = {"source": source}
    try:
        if len(ast.parse(f"[{source}\n]", mode="eval").body.elts) > 1:
            return None  # two arguments
        call = ast.parse(f"f(a={source}\n)", mode="eval").body
    except (SyntaxError, ValueError, AttributeError):
        return found
    found["parses"] = True
    tree = ast.Expression(call.keywords[0].value)
    try:
        ast.literal_eval(tree)
        found["literal"] = node_to_json(tree.body, ast.literal_eval)
    except (ValueError, TypeError, NoJson, SyntaxError):
        pass
    if "literal" in found:
        found["value"] = found["literal"]
    elif all(isinstance(node, CONSTANTS) for node in ast.walk(tree)):
        try:
            found["value"] = node_to_json(tree.body, evaluate_constants)
        except Exception:  # it has no value
            pass
    return found


BY_HAND = pathlib.Path(__file__).with_suffix(".txt").read_text().splitlines()

LINES = [
    "'a\nb'", "'''a\nb'''", '"""a\n"b" \'c\'\n"""', "'a\\\nb'", "'''a\r\nb'''", "'''a\rb'''", "'a\r\nb'", "'a\\\r\nb'",
    "[1,\n 2]", "[1, # x\n 2]", "{'a': # x\n 1}", "('a'\n 'b')", "('a' # x\n 'b')", "['a'\n 'b',\n 'c']", "'a\tb'", "'a\x00b'", "'a\x0cb'",
    "(1 # x\n)", "'\u2028'", "'\ufeff'", "'\ud83d'", " 1", "1 ", "\u00a01", "'a' # x", "١", "'x' \\\n 'y'", "[1\n]", "(\n)", "{\n}",
    "'" + "x" * 5000 + "'", "1" * 4300, "1" * 4301, "0x" + "f" * 3000, "0x" + "f" * 3600, "[" * 30 + "]" * 30, "(" * 30 + "1" + ")" * 30,
]


def generated(rng, depth=3):
    """A literal in some style, or something close to one."""

    def text():
        quote = rng.choice(["'", '"', "'''", '"""'])
        parts = ["a", "b ", "é", "\\n", "\\\\", "\\'", '\\"', "#", ", ", ")", "]", "}", ":", "\\x41", "\\u00e9", "\\d", "=", "'", '"', "(", "\n", "{{"]
        body = "".join(rng.choice(parts) for _ in range(rng.randint(0, 5)))
        return rng.choice(["", "", "", "", "r", "u", "f", "b"]) + quote + body + quote

    kind = rng.randint(0, 9 if depth > 0 else 4)
    if kind == 0:
        return rng.choice(["True", "False", "None"])
    if kind == 1:
        return rng.choice(["", "-", "+"]) + rng.choice(["0", "7", "12_3", "0x1f", "1.5", "2.", ".25", "1e3", "1E-2", "08", "1_0.5e1_0"])
    if kind in (2, 3):
        return rng.choice([" ", " + ", "  "]).join(text() for _ in range(rng.choice([1, 1, 1, 2, 3])))
    if kind == 4:
        return text()
    count = rng.randint(0, 3)
    end = rng.choice(["", "", ",", " ", "\n"]) if count > 0 else ""
    if kind in (5, 6):
        return "[" + ", ".join(generated(rng, depth - 1) for _ in range(count)) + end + "]"
    if kind == 7:
        return "(" + ", ".join(generated(rng, depth - 1) for _ in range(count)) + end + ")"
    if kind == 8:
        return "{" + ", ".join(generated(rng, depth - 1) + rng.choice([": ", ":"]) + generated(rng, depth - 1) for _ in range(count)) + end + "}"
    return "{" + ", ".join(generated(rng, depth - 1) for _ in range(count)) + end + "}"


def main():
    rng = random.Random(20261127)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    sources = list(dict.fromkeys([*BY_HAND, *LINES, *(generated(rng) for _ in range(count))]))
    print(json.dumps([found for source in sources if (found := entry(source))], indent=0))


main()
