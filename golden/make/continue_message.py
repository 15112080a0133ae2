"""Prompts that end inside the last message, and answers that are only a thought, as transformers renders them.

usage: continue_message.py golden/text

Writes continue.json. A case without a text is one that transformers refuses.
"""
import json, pathlib, sys
import transformers
from transformers.utils.chat_template_utils import render_jinja_template

folder = pathlib.Path(sys.argv[1])
templates = {
    "nano": (folder / "../nano/chat_template.jinja").read_text(),
    "pythonStyle": (folder / "python-style.jinja").read_text(),
    "trimming": "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}",
    "dropping": "{{ bos_token }}{% for m in messages %}{% if not loop.last %}{{ m.content }}{% endif %}{% endfor %}",
}
user = {"role": "user", "content": "Tell me."}


def answer(content, **members):
    return {"role": "assistant", "content": content, **members}


continued = {
    "a sentence": [user, answer("Once upon")],
    "a space at the end": [user, answer("Once upon ")],
    "line ends at the end": [user, answer("Once upon\n\n")],
    "nothing yet": [user, answer("")],
    "white space only": [user, answer("  ")],
    "a control string": [user, answer("a<|im_end|>b")],
    "an open thought": [user, answer("<think>\nLet me see")],
    "an answer after a thought": [user, answer("It is", thinking="Let me see")],
    "parts": [user, answer([{"type": "text", "text": "One, "}, {"type": "text", "text": "two, "}])],
    "the same words before": [user, answer("Once upon"), user, answer("Once upon")],
    "the tag in a question": [{"role": "user", "content": "CONTINUE_FINAL_MESSAGE_TAG "}, answer("Once")],
    "no content": [user, answer(None)],
    "no text in parts": [user, answer([{"type": "image"}])],
}
thoughts = {
    "a thought without content": [user, {"role": "assistant", "content": None, "thinking": "Let me see"}],
    "a thought without content, then a question": [user, {"role": "assistant", "content": None, "thinking": "Hm"}, user],
}


def rendered(source, messages, **options):
    try:
        [text], _ = render_jinja_template(
            [messages], chat_template=source, bos_token="<|startoftext|>", eos_token="<|im_end|>", **options
        )
        return {"text": text}
    except Exception:
        return {}


cases = [
    {"kind": kind, "name": name, "template": template, "messages": messages, **rendered(source, messages, **options)}
    for kind, conversations, options in (
        ("continued", continued, {"continue_final_message": True}),
        ("thought", thoughts, {"add_generation_prompt": True}),
    )
    for name, messages in conversations.items()
    for template, source in templates.items()
    if kind == "continued" or template in ("nano", "pythonStyle")
]
data = {"made_by": f"transformers {transformers.__version__}", "templates": templates, "cases": cases}
(folder / "continue.json").write_text(json.dumps(data, ensure_ascii=True, indent=1) + "\n")
print(len(cases))
