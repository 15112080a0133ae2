"""Mistakes of what runs through all layers: ids, norms, residuals, the order of layers, the head."""
import torch

from .attention import exchange
from .planting import Mistake, edit

FORWARD = "        residual = hidden_states\n"
NORMED = "hidden_states=self.operator_norm(hidden_states),"
ADDED = "        hidden_states = hidden_states + residual\n"
FED = "hidden_states = hidden_states + self.feed_forward(self.ffn_norm(hidden_states))"
VARIANCE = "variance = hidden_states.pow(2).mean(-1, keepdim=True)"
ROOT = "hidden_states * torch.rsqrt(variance + self.variance_epsilon)"
GAIN = "return self.weight * hidden_states.to(input_dtype)"
EMBEDDED = "inputs_embeds = self.embed_tokens(input_ids)"
FINAL = "hidden_states = self.embedding_norm(hidden_states)\n"
LAYERS = "self.layers[: self.config.num_hidden_layers]"
LOGITS = "logits = self.lm_head(hidden_states[:, slice_indices, :])\n"


def other_eps(config):
    config.norm_eps = 1e-3


def head_alone(weights, config):
    random = torch.Generator().manual_seed(3)
    weights["lm_head.weight"] = torch.randn(weights["lm_head.weight"].shape, generator=random) * 0.1


def rows_moved(weights, config):
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name].roll(1, 0)


def norms_of_next_layer(weights, config):
    names = [f"model.layers.{layer}.operator_norm.weight" for layer in range(config.num_hidden_layers)]
    weights.update(zip(names, [weights[name].clone() for name in names[1:] + names[:1]]))


def layers_exchanged(weights, config):
    """The last two layers of the same kind and sizes."""
    layers = [
        {name.split(".", 3)[3]: value for name, value in weights.items() if name.startswith(f"model.layers.{layer}.")}
        for layer in range(config.num_hidden_layers)
    ]
    shapes = [{name: value.shape for name, value in layer.items()} for layer in layers]
    pairs = [(a, b) for b in range(len(layers)) for a in range(b) if shapes[a] == shapes[b]]
    a, b = pairs[-1]
    for name in layers[a]:
        weights[f"model.layers.{a}.{name}"], weights[f"model.layers.{b}.{name}"] = layers[b][name], layers[a][name]


def can_exchange(config) -> bool:
    dense = getattr(config, "num_dense_layers", config.num_hidden_layers)
    kinds = [(kind, layer < dense) for layer, kind in enumerate(config.layer_types)]
    return len(set(kinds)) < len(kinds)


def norm(name: str, what: str, *edits: tuple[tuple[str, str], ...]) -> Mistake:
    return Mistake(name, what, sum(edits, ()))


STREAM = [
    Mistake("other-eps", "eps 1e-3 in every norm", config=other_eps),
    Mistake("no-final-norm", "no norm after the last layer",
            edit("self.embedding_norm = ", "self.embedding_norm = nn.Identity() #")),
    Mistake("bos-twice", "the beginning-of-text token twice", ids=lambda ids: ids[:1] + ids),
    Mistake("bos-missing", "no beginning-of-text token", ids=lambda ids: ids[1:]),
    norm("eps-outside", "eps added to the root", edit(ROOT, "hidden_states / (variance.sqrt() + self.variance_epsilon)")),
    norm("no-eps", "no eps", edit(ROOT, "hidden_states * torch.rsqrt(variance)")),
    norm("eps-floor", "eps as the least variance", edit(ROOT, "hidden_states * torch.rsqrt(variance.clamp(min=self.variance_epsilon))")),
    norm("one-column-fewer", "the sum of squares divided by D - 1",
         edit(VARIANCE, "variance = hidden_states.pow(2).sum(-1, keepdim=True) / (hidden_states.shape[-1] - 1)")),
    norm("half-the-columns", "the mean over half of the columns",
         edit(VARIANCE, "variance = hidden_states[..., ::2].pow(2).mean(-1, keepdim=True)")),
    norm("layer-norm", "the mean subtracted", edit("hidden_states = hidden_states.to(torch.float32)\n",
         "hidden_states = hidden_states.to(torch.float32)\n        hidden_states = hidden_states - hidden_states.mean(-1, keepdim=True)\n")),
    norm("gain-plus-one", "1 added to the weights of norms", edit(GAIN, GAIN.replace("self.weight", "(1 + self.weight)"))),
    norm("no-gain", "norms without their weights", edit(GAIN, "return hidden_states.to(input_dtype)")),
    norm("no-operator-norm", "no norm before the operator", edit("self.operator_norm = ", "self.operator_norm = nn.Identity() #")),
    norm("no-ffn-norm", "no norm before the feed-forward", edit("self.ffn_norm = ", "self.ffn_norm = nn.Identity() #")),
    Mistake("norms-of-next-layer", "every layer with the operator norm of the next", weights=norms_of_next_layer),
    Mistake("norms-exchanged", "operator norm and feed-forward norm exchanged", weights=exchange("operator_norm", "ffn_norm")),
    norm("no-residual", "the operator's result not added to the stream", edit(ADDED, "        pass\n")),
    norm("no-ffn-residual", "the feed-forward's result not added to the stream", edit(FED, FED.replace("hidden_states + ", ""))),
    norm("normed-residual", "the operator's result added to the normed stream",
         edit(FORWARD, "        residual = self.operator_norm.forward(hidden_states)\n")),
    norm("halved-operator", "half of the operator's result added", edit(ADDED, ADDED.replace("hidden_states + residual", "0.5 * hidden_states + residual"))),
    norm("halved-residual", "half of the stream kept", edit(ADDED, ADDED.replace("+ residual", "+ 0.5 * residual"))),
    norm("post-norm", "the operator norm after the operator", edit(NORMED, "hidden_states=hidden_states,"),
         edit(ADDED, ADDED.replace("hidden_states + residual", "self.operator_norm(hidden_states) + residual"))),
    norm("parallel", "operator and feed-forward beside each other", edit(FED, FED.replace("ffn_norm(hidden_states)", "ffn_norm(residual)"))),
    norm("last-layer-skipped", "the last layer left out", edit(LAYERS, LAYERS.replace("num_hidden_layers", "num_hidden_layers - 1"))),
    norm("layer-skipped", "the second layer left out", edit(f"enumerate({LAYERS}):\n", f"enumerate({LAYERS}):\n            if i == 1:\n                continue\n")),
    Mistake("layers-exchanged", "two layers exchanged", weights=layers_exchanged, needs=can_exchange),
    norm("embedding-norm-first", "the final norm on the embedding, too",
         edit("hidden_states = inputs_embeds\n", "hidden_states = self.embedding_norm.forward(inputs_embeds)\n")),
    norm("final-norm-twice", "the final norm twice", edit(FINAL, "hidden_states = self.embedding_norm(self.embedding_norm.forward(hidden_states))\n")),
    norm("embedding-scaled", "the embedding times the root of hidden_size", edit(EMBEDDED, EMBEDDED + " * self.config.hidden_size**0.5")),
    norm("next-token", "every token embedded as the one after it", edit(EMBEDDED, "inputs_embeds = self.embed_tokens((input_ids + 1) % self.vocab_size)")),
    Mistake("embedding-rows-moved", "the rows of the embedding moved by one", weights=rows_moved),
    Mistake("head-not-tied", "a head of its own", edit('_tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}', "_tied_weights_keys = {}"),
            config=lambda config: setattr(config, "tie_word_embeddings", False), weights=head_alone),
    norm("logits-scaled", "logits times 0.7", edit(LOGITS, LOGITS.replace("\n", " * 0.7\n"))),
    norm("logits-capped", "logits capped at 5 by tanh", edit(LOGITS, LOGITS + "        logits = 5 * torch.tanh(logits / 5)\n")),
    norm("logits-shifted", "every row of logits that of the position before", edit(LOGITS, LOGITS + "        logits = torch.cat([logits[:, :1], logits[:, :-1]], 1)\n")),
    norm("vocabulary-moved", "logits of the next token's column", edit(LOGITS, LOGITS + "        logits = logits.roll(-1, -1)\n")),
]
