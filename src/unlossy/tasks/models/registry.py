"""From a model SPEC to a classifier: a prefix names the module that knows that kind, imported only then."""

from typing import cast

from unlossy.tasks.models.base import Classifier
from unlossy.tasks.models.prefixes import load_by_prefix

ADAPTERS = {
    "hf": "unlossy.tasks.models.hf",
    "timm": "unlossy.tasks.models.timm",
    "torchvision": "unlossy.tasks.models.torchvision",
    "onnx": "unlossy.tasks.models.onnx",
    "py": "unlossy.tasks.models.python",
}
"""Each module has `load(name, *, spec, threads) -> Classifier`; `name` is the SPEC without its prefix."""

FORMS = """  hf:PATH_OR_ID               hf:google/mobilenet_v2_1.0_224, hf:./my-model
  timm:NAME[@FILE]            timm:resnet50.a1_in1k, timm:resnet18@weights.safetensors
  torchvision:NAME@FILE       torchvision:resnet50@weights.safetensors
  onnx:FILE                   onnx:model.onnx (with model.json beside it), onnx:demo
  py:MODULE:CALLABLE          py:my_models:classify"""


def load_classifier(spec: str, *, threads: int | None = None, device: str = "cpu") -> Classifier:
    """The classifier that a SPEC names, ready to answer.

    Args:
        spec: PREFIX:NAME, one of the forms in `FORMS`.
        threads: threads for one answer, in the whole process for torch models; None leaves the library's default.
        device: torch's name of the device that answers, "cpu" or "cuda"; the latter for torch models alone.

    Raises:
        UsageError: unknown form, or a model that cannot be found or does not fit its weights.
        MissingDependency: the extra of that kind is not installed.
    """
    found = load_by_prefix(spec, ADAPTERS, what="model", forms=FORMS, threads=threads, device=device)
    return cast("Classifier", found)
