"""Where transformers' AutoTokenizer finds chat templates in a folder, and which one it takes.

usage: named_templates.py HF_DIR OUT.json

Each case adds files to HF_DIR's tokenizer; `without_tools` and `with_tools` are the templates taken, null where none is.
"""
import json, os, shutil, sys, tempfile
import transformers
from transformers import AutoTokenizer

source, out = sys.argv[1:]
transformers.logging.set_verbosity_error()
with open(f"{source}/tokenizer_config.json") as file: config = json.load(file)
inner = "additional_chat_templates"
listed = [dict(name="default", template="list d"), dict(name="tool_use", template="list t")]


def taken(tokenizer, tools):
    try: return tokenizer.get_chat_template(tools=tools)
    except ValueError: return None


cases = []
for name, stated, files in [
    ("none", None, {}),
    ("a text", "stated", {}),
    ("a list", listed, {}),
    ("a list without a default", listed[1:], {}),
    ("a file", None, {"chat_template.jinja": "file"}),
    ("a file beside a list", listed, {"chat_template.jinja": "file"}),
    ("a file and one for tools", None, {"chat_template.jinja": "file", f"{inner}/tool_use.jinja": "file t"}),
    ("a file and one by another name", None, {"chat_template.jinja": "file", f"{inner}/rag.jinja": "file r"}),
    ("one for tools alone, beside a text", "stated", {f"{inner}/tool_use.jinja": "file t"}),
    ("one for tools alone, beside a list", listed, {f"{inner}/tool_use.jinja": "file t"}),
    ("a default among the others", "stated", {"chat_template.jinja": "file", f"{inner}/default.jinja": "inner d"}),
    ("files of other kinds", "stated", {f"{inner}/tool_use.txt": "no", f"{inner}/README.md": "no"}),
]:
    with tempfile.TemporaryDirectory() as folder:
        for file in ("tokenizer.json", "config.json"): shutil.copy(f"{source}/{file}", folder)
        settings = config if stated is None else {**config, "chat_template": stated}
        with open(f"{folder}/tokenizer_config.json", "w") as file: json.dump(settings, file)
        for path, text in files.items():
            os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
            with open(f"{folder}/{path}", "w") as file: file.write(text)
        opened = AutoTokenizer.from_pretrained(folder)
        tools = [dict(type="function", function=dict(name="f", description="", parameters={}))]
        choice = dict(without_tools=taken(opened, None), with_tools=taken(opened, tools))
    cases.append(dict(name=name, stated=stated, files=files, **choice))
made_by = f"golden/make/named_templates.py, transformers {transformers.__version__}"
with open(out, "w") as file:
    json.dump(dict(made_by=made_by, cases=cases), file, indent=1)
    file.write("\n")
