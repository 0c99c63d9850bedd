"""From a model SPEC to a segmenter: a prefix names the module that knows that kind, imported only then."""

from typing import cast

from unlossy.core.errors import UsageError
from unlossy.tasks.models.prefixes import load_by_prefix
from unlossy.tasks.models.segmentation.base import Segmenter

ADAPTERS = {
    "hf": "unlossy.tasks.models.segmentation.hf",
    "torchvision": "unlossy.tasks.models.segmentation.torchvision",
    "onnx": "unlossy.tasks.models.segmentation.onnx",
    "py": "unlossy.tasks.models.segmentation.python",
}
"""Each module has `load(name, *, spec, threads) -> Segmenter`; `name` is the SPEC without its prefix."""

FORMS = """  hf:PATH_OR_ID            hf:nvidia/segformer-b0-finetuned-ade-512-512, hf:./my-segmenter
  torchvision:NAME@FILE    torchvision:deeplabv3_resnet50@weights.safetensors
  onnx:FILE                onnx:segmenter.onnx (with segmenter.json beside it), onnx:demo
  py:MODULE:CALLABLE       py:my_models:segment"""


def load_segmenter(spec: str, *, threads: int | None = None, device: str = "cpu") -> Segmenter:
    """The semantic segmenter that a SPEC names, ready to answer.

    Args:
        spec: PREFIX:NAME, one of the forms in `FORMS`.
        threads: threads for one answer, in the whole process for torch models; None leaves the library's default.
        device: torch's name of the device that answers, "cpu" or "cuda"; the latter for torch models alone.

    Raises:
        UsageError: unknown form, or a model that cannot be found or does not fit its weights.
        MissingDependency: the extra of that kind is not installed.
    """
    if spec.startswith("timm:"):
        raise UsageError(f"{spec}: timm has no segmenters. A segmenter is given as one of:\n{FORMS}")
    found = load_by_prefix(spec, ADAPTERS, what="segmenter", forms=FORMS, threads=threads, device=device)
    return cast("Segmenter", found)
