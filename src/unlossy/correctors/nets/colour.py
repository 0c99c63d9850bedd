"""RGB to Y, Cb, Cr and back as JFIF defines them, in floating point and without rounding.

Both sides are in 0..1; Cb and Cr of a grey picture are 0.5. Source: ITU-T T.871, section 7.
"""

import torch
from torch import Tensor

_TO_YCC = torch.tensor(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
        [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
_TO_RGB = torch.tensor(
    [
        [1.0, 0.0, 1.402],
        [1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587],
        [1.0, 1.772, 0.0],
    ]
)
_NEUTRAL = torch.tensor([0.0, 0.5, 0.5])


def ycc_from_rgb(rgb: Tensor) -> Tensor:
    """Y, Cb, Cr (b 3 h w, 0..1) of an RGB batch (b 3 h w, 0..1)."""
    return _mix(_TO_YCC, rgb) + _NEUTRAL.to(rgb)[:, None, None]


def rgb_from_ycc(ycc: Tensor) -> Tensor:
    """RGB (b 3 h w, not clipped to 0..1) of a batch of Y, Cb, Cr (b 3 h w, 0..1)."""
    return _mix(_TO_RGB, ycc - _NEUTRAL.to(ycc)[:, None, None])


def _mix(matrix: Tensor, planes: Tensor) -> Tensor:
    return torch.einsum("oc,bchw->bohw", matrix.to(planes), planes)
