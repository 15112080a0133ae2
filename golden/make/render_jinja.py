"""What Python's jinja2 writes for templates and conversations of our own, in the environment that transformers sets.

usage: render_jinja.py golden/text

Reads jinja.json (small templates over one set of variables) and chats.json (conversations for whole templates), renders
each of their cases, and writes the files again. To add a case, add it there without its result.
"""
import datetime, json, pathlib, sys
import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 1, 31, 12, 0, 0)


class Generation(Extension):
    """{% generation %}, which transformers uses to find the assistant's tokens: a block with a scope of its own."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("written"), [], [], body).set_lineno(line)

    def written(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = NOW.strftime


def rendered(source, variables):
    """The text, or that there is none: what Python says of an error is not compared."""
    try:
        return {"text": env.from_string(source).render(**variables)}
    except Exception:
        return {"fails": True}


folder = pathlib.Path(sys.argv[1])
made_by = f"jinja2 {jinja2.__version__}, in the environment of transformers 5.18.0"


def again(name, render_cases):
    path = folder / name
    data = json.loads(path.read_text())
    data["made_by"] = made_by
    render_cases(data)
    path.write_text(json.dumps(data, ensure_ascii=True, indent=1) + "\n")
    print(name, len(data["cases"]))


def small_templates(data):
    text = json.dumps(data["variables"])  # parsed anew for each: a filter may change a list
    data["cases"] = [{"source": c["source"], **rendered(c["source"], json.loads(text))} for c in data["cases"]]


def conversations(data):
    templates = {
        "nano": (folder / "../nano/chat_template.jinja").read_text(),
        "pythonStyle": (folder / "python-style.jinja").read_text(),
    }
    for case in data["cases"]:
        variables = dict(messages=case["messages"], tools=case["tools"], documents=None, add_generation_prompt=True)
        variables.update(bos_token="<|startoftext|>", eos_token="<|im_end|>", **case["variables"])
        case["texts"] = {name: rendered(source, variables).get("text") for name, source in templates.items()}


again("jinja.json", small_templates)
again("chats.json", conversations)
