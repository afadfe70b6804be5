"""Every architecture of torchvision.models."""

from __future__ import annotations

from tools.zoo.rows import Case, image, require_memory

TITLE = "torchvision.models"
ABOUT = (
    "Weights are drawn, 10 classes, two images as small as leave 2 x 2 numbers at the end. "
    "Detection models choose boxes by their scores, in code that depends on values."
)
FRAMEWORK = "torch"

_SECTIONS = ("", ".segmentation", ".video", ".detection", ".optical_flow")
# 34 x 34 becomes 17, 9, 5, 3, 2, unless half of an odd number is rounded down somewhere.
_SIZES = {
    "alexnet": 64, "densenet": 64, "googlenet": 64, "inception_v3": 160, "maxvit_t": 224,
    "squeezenet": 64, "swin": 64, "vit": 64, "vit_h_14": 56,
}  # fmt: skip
_FRAMES = {"s3d": (16, 224), "mvit": (16, 224), "swin3d": (8, 64)}
_OPTIONS = {"inception_v3": {"aux_logits": False}, "googlenet": {"aux_logits": False}}


def load_torchvision():
    """torchvision, also where its compiled part does not fit torch's build: it wants to describe
    operators then that are not there."""
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        load_torchvision.kept = library  # it lives as long as it is kept
        import torchvision
    return torchvision


def names():
    from importlib import import_module

    found = load_torchvision()
    return [
        name
        for section in _SECTIONS
        for name in found.models.list_models(import_module(f"torchvision.models{section}"))
    ]


def make(name):
    import torch

    models = load_torchvision().models
    torch.manual_seed(0)
    builder = models.get_model_builder(name)
    kind = builder.__module__.partition("torchvision.models.")[2].partition(".")[0]
    options = {"weights": None, **_OPTIONS.get(name, {})}
    if kind in ("segmentation", "detection"):
        options["weights_backbone"] = None
    if kind != "optical_flow":
        options["num_classes"] = 10
    size = _sized(name)
    if name.startswith("vit_"):
        options["image_size"] = size
    model = builder(**options).eval()
    require_memory(sum(p.numel() for p in model.parameters()))
    examples = image(size)
    if kind == "video":
        sizes = (each for start, each in _FRAMES.items() if name.startswith(start))
        examples = (_video(*next(sizes, (8, 34))),)
    if kind == "optical_flow":
        examples = (image(128)[0], image(128)[0][::-1].copy())
    return Case(model, examples)


def _sized(name):
    """By the longest beginning of the name that is known."""
    known = [start for start in _SIZES if name.startswith(start)]
    return _SIZES[max(known, key=len)] if known else 34


def _video(frames, size):
    import numpy as np

    return np.random.default_rng(0).normal(size=(2, 3, frames, size, size)).astype("float32")
