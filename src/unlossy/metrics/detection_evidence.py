"""What average precision needs to know of a picture, as a short text: 12 bytes or fewer per detection, compressed.

Of each detection its category, its score, and at which of the ten IoU thresholds it is right or ignored; of each
category how many objects there are to be found.
"""

import struct
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt16

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.matching import IOU_THRESHOLDS, Matches

BITS = 1 << np.arange(len(IOU_THRESHOLDS), dtype=np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One picture's detections, the surest first, and its objects by category, in ascending order.

    Bit k of `right` and `ignored` belongs to the k-th IoU threshold.
    """

    class_ids: Int64[np.ndarray, " d"]
    scores: Float32[np.ndarray, " d"]
    right: UInt16[np.ndarray, " d"]
    ignored: UInt16[np.ndarray, " d"]
    object_classes: Int64[np.ndarray, " k"]
    object_counts: Int64[np.ndarray, " k"]

    def to_text(self) -> str:
        """The evidence in letters and digits."""
        head = struct.pack("<II", len(self.class_ids), len(self.object_classes))
        body = b"".join(getattr(self, name).astype(kind).tobytes() for name, kind in _LAYOUT)
        return b64encode(zlib.compress(head + body)).decode("ascii")


_LAYOUT = (
    ("class_ids", "<i8"),
    ("scores", "<f4"),
    ("right", "<u2"),
    ("ignored", "<u2"),
    ("object_classes", "<i8"),
    ("object_counts", "<i8"),
)


def evidence_of(
    matches: Matches, scores: Float[np.ndarray, " d"], class_ids: Int64[np.ndarray, " d"], target: ObjectsTarget
) -> Evidence:
    """The evidence of matches at the ten thresholds."""
    classes, counts = np.unique(target.category_ids[~matches.object_ignored], return_counts=True)
    return Evidence(
        class_ids[matches.order],
        scores[matches.order].astype(np.float32),
        _packed((matches.found >= 0) & ~matches.ignored),
        _packed(matches.ignored),
        classes,
        counts,
    )


def evidence_from_text(text: str) -> Evidence:
    """What `Evidence.to_text` wrote."""
    data = zlib.decompress(b64decode(text))
    n_detections, n_classes = struct.unpack_from("<II", data)
    arrays, start = [], 8
    for name, kind in _LAYOUT:
        count = n_classes if name.startswith("object") else n_detections
        arrays.append(np.frombuffer(data, dtype=kind, count=count, offset=start))
        start += arrays[-1].nbytes
    return Evidence(*arrays)


def _packed(flags: Bool[np.ndarray, "t m"]) -> UInt16[np.ndarray, " m"]:
    return (flags * BITS[:, None]).sum(axis=0, dtype=np.uint16)
