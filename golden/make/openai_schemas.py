"""OpenAI's published schemas of answers and events, as far as `lfm2 serve` gives such answers.

    python golden/make/openai_schemas.py openapi.json > golden/openai/schemas.json

Descriptions are left out, and members of unions that nothing here gives: other items, tools and events. That makes the
schemas stricter, never looser.
"""
import json
import sys

ROOTS = [
    "CreateChatCompletionResponse",
    "CreateChatCompletionStreamResponse",
    "CreateCompletionResponse",
    "ErrorResponse",
    "ListModelsResponse",
    "Response",
    "ResponseStreamEvent",
]
# Of these unions, what may be given.
KEPT = {
    "ResponseStreamEvent": [
        "ResponseCreatedEvent", "ResponseInProgressEvent", "ResponseCompletedEvent", "ResponseIncompleteEvent",
        "ResponseOutputItemAddedEvent", "ResponseOutputItemDoneEvent", "ResponseContentPartAddedEvent",
        "ResponseContentPartDoneEvent", "ResponseTextDeltaEvent", "ResponseTextDoneEvent",
        "ResponseReasoningTextDeltaEvent", "ResponseReasoningTextDoneEvent",
        "ResponseFunctionCallArgumentsDeltaEvent", "ResponseFunctionCallArgumentsDoneEvent", "ResponseErrorEvent",
    ],
    "OutputItem": ["OutputMessage", "FunctionToolCall", "ReasoningItem"],
    "InputItem": [],
    "Tool": ["FunctionTool"],
    "Annotation": [],
}
WORDS = {"description", "title", "example", "examples", "deprecated", "default", "discriminator"}

schemas = json.load(open(sys.argv[1]))["components"]["schemas"]


def stripped(node, are_names=False):
    if isinstance(node, list):
        return [stripped(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: stripped(value, key == "properties" and not are_names)
        for key, value in node.items()
        if are_names or not (key in WORDS or key.startswith("x-"))
    }
    # A reference that may be null: as JSON Schema has it.
    if not are_names and kept.pop("nullable", False) is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def pruned(name):
    schema = stripped(schemas[name])
    for word in ("anyOf", "oneOf"):
        if name in KEPT and word in schema:
            schema[word] = [{"$ref": f"#/components/schemas/{one}"} for one in KEPT[name]] or [{"not": {}}]
    return schema


found, left = {}, list(ROOTS)
while left:
    name = left.pop()
    if name in found:
        continue
    found[name] = pruned(name)
    text = json.dumps(found[name])
    left += [part.split('"')[0] for part in text.split("#/components/schemas/")[1:]]
lines = [f"{json.dumps(name)}: {json.dumps(found[name], sort_keys=True)}" for name in sorted(found)]
print("{\n" + ",\n".join(lines).replace("#/components/schemas/", "#/$defs/") + "\n}")
