"""A torchvision that does not fit the installed torch, made harmless.

A torchvision built for another torch (CUDA beside CPU, most often) cannot load its compiled operators. Its import then
dies with "operator torchvision::nms does not exist" and takes timm, transformers and spandrel down with it, although
none of them needs those operators to classify. `ensure_torchvision`, run before any of them is imported, supplies what
the import asks for: the schemas of `nms` and `qnms`, and an nms in plain torch. Where torchvision is absent or
sound it does nothing. Broken stay: image files and JPEG in torchvision.io, v2.JPEG, deform_conv2d, the RoI poolings but
roi_align.
"""

import importlib
import importlib.machinery
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import version_of

if TYPE_CHECKING:
    from torch import Tensor

_lock = threading.Lock()
_done = False
_library: Any = None  # torch forgets the operators when this object dies

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure_torchvision() -> None:
    """Nothing; afterwards `import torchvision` works wherever torchvision is installed. Idempotent, thread-safe.

    Raises:
        UsageError: torchvision is broken in another way than by missing operators.
    """
    global _done
    with _lock:
        if not _done:
            if "torchvision" not in sys.modules and find_spec("torch") and find_spec("torchvision"):
                _repair_if_broken()
            _done = True


def _repair_if_broken() -> None:
    if _operators_load():
        return
    if _compiled_library() is None and _import_error() is None:
        return  # a layout unknown to us, and sound
    _define_operators()
    if (error := _import_error()) is not None:
        raise UsageError(
            f"the installed torchvision {version_of('torchvision')} cannot be imported beside torch "
            f"{version_of('torch')}: {error}. Install the torchvision made for this torch, or uninstall it"
        )
    _avoid_missing_operators()


def _operators_load() -> bool:
    """True where the compiled operators fit this torch: loaded as torchvision itself would, without importing it."""
    import torch

    library = _compiled_library()
    if library is None:
        return False
    try:
        torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        return hasattr(torch.ops.torchvision, "nms")
    except (ImportError, OSError, RuntimeError):
        return False


def _compiled_library() -> Path | None:
    spec = find_spec("torchvision")
    folders = list(spec.submodule_search_locations or []) if spec else []
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    files = [Path(folder) / f"_C{suffix}" for folder in folders for suffix in suffixes]
    return next((file for file in files if file.is_file()), None)


def _import_error() -> Exception | None:
    """What `import torchvision` raises, None when it succeeds; a half-done import is cleared away."""
    try:
        importlib.import_module("torchvision")
    except Exception as error:  # noqa: BLE001 (a broken package may raise anything)
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        return error
    return None


def _define_operators() -> None:
    global _library
    import torch
    from torch import library

    if hasattr(torch.ops.torchvision, "nms"):
        return
    _library = library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    _library.define("nms" + SCHEMA)
    _library.define("qnms" + SCHEMA)
    _library.impl("nms", nms, "CompositeExplicitAutograd")


def _avoid_missing_operators() -> None:
    """Lets torchvision.ops use our nms, and its own plain roi_align uncompiled (compiling takes half a minute)."""
    boxes, roi_align = sys.modules.get("torchvision.ops.boxes"), sys.modules.get("torchvision.ops.roi_align")
    if boxes is not None and hasattr(boxes, "_assert_has_ops"):
        boxes._assert_has_ops = lambda: None  # type: ignore[attr-defined]
    plain = getattr(getattr(roi_align, "_roi_align", None), "__wrapped__", None)
    if roi_align is not None and plain is not None:
        roi_align._roi_align = plain  # type: ignore[attr-defined]


def nms(dets: "Tensor", scores: "Tensor", iou_threshold: float) -> "Tensor":
    """Indices (int64) of the boxes that greedy non-maximum suppression keeps, by falling score.

    Args:
        dets: boxes (n, 4) as x1, y1, x2, y2.
        scores: (n,); equal scores keep their order.
        iou_threshold: a box goes when its intersection over union with a kept one is larger than this.
    """
    import torch

    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = dets[order].unbind(1)
    areas = (x2 - x1) * (y2 - y1)
    gone = torch.zeros(len(order), dtype=torch.bool, device=dets.device)
    kept = []
    for i in range(len(order)):
        if gone[i]:
            continue
        kept.append(i)
        width = (x2.minimum(x2[i]) - x1.maximum(x1[i])).clamp(min=0)
        height = (y2.minimum(y2[i]) - y1.maximum(y1[i])).clamp(min=0)
        overlap = width * height
        gone |= overlap / (areas[i] + areas - overlap) > iou_threshold
    return order[torch.tensor(kept, dtype=torch.int64, device=dets.device)]
