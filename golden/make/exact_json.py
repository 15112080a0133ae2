# The prompts that Python's json and jinja2 make of JSON whose numbers and orders JavaScript would change. Usage:
#   python golden/make/exact_json.py golden/text golden/nano/chat_template.jinja
# The environment is transformers' own (utils/chat_template_utils.py).
import json, sys
import jinja2, transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

out, template = sys.argv[1:3]
render = _compile_jinja_template(open(template).read())
parameters = '{"type": "object", "properties": {"10": {"type": "number", "default": 2.0}, "2": {"type": "integer", "maximum": 18446744073709551615}, "b": {"type": "number", "minimum": 1e-7, "enum": [1.0, 100, 1E3, -0, -0.0, 1e22, 123456789012345678901234567890]}, "a": {"default": 0.1}}}'
user = '{"role": "user", "content": "x"}'
call = lambda arguments: f'{{"role": "assistant", "content": "", "tool_calls": [{{"function": {{"name": "f", "arguments": {arguments}}}}}]}}'
cases = [
    ("a tool", f"[{user}]", f'[{{"name": "f", "description": "d", "parameters": {parameters}}}]'),
    ("a tool in OpenAI's form", f"[{user}]", f'[{{"type": "function", "function": {{"name": "f", "parameters": {parameters}}}}}]'),
    ("arguments as members", f'[{user}, {call("""{"z": 2.0, "10": 1e-5, "2": 18446744073709551615, "a": {"9": 1, "1": null}}""")}, {user}]', "null"),
    ("arguments as text", f'[{user}, {call(json.dumps("""{"z": 2.0, "10": 1e-5, "2": 18446744073709551615}"""))}, {user}]', "null"),
    ("numbers in a result", f'[{user}, {call("{}")}, {{"role": "tool", "content": "[2.0, 3]"}}]', "null"),
]
found = []
for name, messages, tools in cases:
    given = json.loads(messages)
    for message in given:  # as transformers' own models' templates expect them
        for one in message.get("tool_calls", []):
            if isinstance(one["function"]["arguments"], str):
                one["function"]["arguments"] = json.loads(one["function"]["arguments"])
    text = render.render(messages=given, tools=json.loads(tools), documents=None, add_generation_prompt=True, bos_token="<|startoftext|>", eos_token="<|im_end|>")
    found.append(dict(name=name, messages=messages, tools=tools, text=text))
made = f"transformers {transformers.__version__}, jinja2 {jinja2.__version__}, python {sys.version.split()[0]}"
json.dump(dict(made_by=made, cases=found), open(f"{out}/exact-json.json", "w"), indent=1)
