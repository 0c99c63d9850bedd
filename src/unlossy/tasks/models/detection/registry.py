"""From a model SPEC to a detector: a prefix names the module that knows that kind, imported only then."""

from typing import cast

from unlossy.core.errors import UsageError
from unlossy.tasks.models.detection.base import Detector
from unlossy.tasks.models.prefixes import load_by_prefix

ADAPTERS = {
    "hf": "unlossy.tasks.models.detection.hf",
    "torchvision": "unlossy.tasks.models.detection.torchvision",
    "onnx": "unlossy.tasks.models.detection.onnx",
    "py": "unlossy.tasks.models.detection.python",
}
"""Each module has `load(name, *, spec, threads) -> Detector`; `name` is the SPEC without its prefix."""

FORMS = """  hf:PATH_OR_ID            hf:PekingU/rtdetr_r18vd, hf:./my-detector
  torchvision:NAME@FILE    torchvision:fasterrcnn_resnet50_fpn@weights.safetensors
  onnx:FILE                onnx:detector.onnx (with detector.json beside it), onnx:demo
  py:MODULE:CALLABLE       py:my_models:detect"""


def load_detector(spec: str, *, threads: int | None = None, device: str = "cpu") -> Detector:
    """The detector that a SPEC names, ready to answer.

    Args:
        spec: PREFIX:NAME, one of the forms in `FORMS`.
        threads: threads for one answer, in the whole process for torch models; None leaves the library's default.
        device: torch's name of the device that answers, "cpu" or "cuda"; the latter for torch models alone.

    Raises:
        UsageError: unknown form, or a model that cannot be found or does not fit its weights.
        MissingDependency: the extra of that kind is not installed.
    """
    if spec.startswith("timm:"):
        raise UsageError(f"{spec}: timm has no detectors. A detector is given as one of:\n{FORMS}")
    found = load_by_prefix(spec, ADAPTERS, what="detector", forms=FORMS, threads=threads, device=device)
    return cast("Detector", found)
