"""Small models of transformers, each made from its config."""

from __future__ import annotations

from tools.zoo.rows import Case, image, tokens
from tools.zoo.torchvision_models import load_torchvision

TITLE = "transformers"
ABOUT = "Two layers of width 32, made from a config, on two rows of 7 words (or images of 32 x 32)."
FRAMEWORK = "torch"

_WORDS = {"vocab_size": 50}
_SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
}  # fmt: skip
_OLD = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 16, "use_cache": False}
_CAUSAL = {"use_cache": False}

# {name: (class of the config, class of the model, options)}
_MODELS = {
    "BERT": ("BertConfig", "BertModel", _SMALL | _WORDS),
    "BERT, masked words": ("BertConfig", "BertForMaskedLM", _SMALL | _WORDS),
    "BERT, classes": ("BertConfig", "BertForSequenceClassification", _SMALL | _WORDS),
    "GPT-2": ("GPT2Config", "GPT2Model", _OLD | _WORDS),
    "GPT-2, next words": ("GPT2Config", "GPT2LMHeadModel", _OLD | _WORDS),
    "RoBERTa": ("RobertaConfig", "RobertaModel", _SMALL | _WORDS),
    "DistilBERT": (
        "DistilBertConfig", "DistilBertModel",
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48} | _WORDS,
    ),
    "ELECTRA": ("ElectraConfig", "ElectraModel", _SMALL | _WORDS | {"embedding_size": 16}),
    "ALBERT": ("AlbertConfig", "AlbertModel", _SMALL | _WORDS | {"embedding_size": 16}),
    "Llama": ("LlamaConfig", "LlamaForCausalLM", _SMALL | _WORDS | _CAUSAL),
    "Qwen2": (
        "Qwen2Config", "Qwen2ForCausalLM", _SMALL | _WORDS | _CAUSAL | {"num_key_value_heads": 2}
    ),
    "GPT-NeoX": ("GPTNeoXConfig", "GPTNeoXForCausalLM", _SMALL | _WORDS | _CAUSAL),
    "OPT": (
        "OPTConfig", "OPTForCausalLM",
        _SMALL | _WORDS | _CAUSAL | {"ffn_dim": 48, "word_embed_proj_dim": 32},
    ),
    "ViT": ("ViTConfig", "ViTForImageClassification", _SMALL | {"image_size": 32, "patch_size": 8}),
    "DeiT": ("DeiTConfig", "DeiTModel", _SMALL | {"image_size": 32, "patch_size": 8}),
    "ConvNeXt": (
        "ConvNextConfig", "ConvNextForImageClassification",
        {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    ),
    "ResNet": (
        "ResNetConfig", "ResNetForImageClassification",
        {"embedding_size": 8, "hidden_sizes": [16, 24], "depths": [1, 1]},
    ),
}  # fmt: skip
_OF_IMAGES = ("ViT", "DeiT", "ConvNeXt", "ResNet")


def names():
    return list(_MODELS)


def make(name):
    import torch

    load_torchvision()  # transformers imports it, too
    import transformers

    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    config, model, options = _MODELS[name]
    made = getattr(transformers, model)(getattr(transformers, config)(**options)).eval()
    of_images = name in _OF_IMAGES
    return Case(made, image(32) if of_images else (tokens(50, 7),))
