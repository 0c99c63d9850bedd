"""The coefficients of a picture's 8 x 8 blocks, inside the graph."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.correctors.nets.condition import natural_deviation

LIMIT = 8.0
"""What no coefficient reaches, in natural deviations."""


class BlockDct(nn.Module):
    """The two-dimensional orthonormal DCT of each block and plane, in units of the coefficient's natural deviation.

    Beyond a few deviations the units grow coarser, up to LIMIT: a drawing's edges reach 50 deviations, far past all
    that training shows, and a network that is given them as they are answers with anything.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        basis = torch.kron(dct_basis(), dct_basis())
        scaled = [basis * (255.0 / deviation.reshape(64, 1)) for deviation in natural_deviation()[[0, 1, 1]]]
        self.register_buffer("kernel", torch.cat(scaled)[:, :, None, None], persistent=False)

    def forward(self, planes: Tensor) -> Tensor:
        """The coefficients (b 192 h/8 w/8) of Y, Cb, Cr (b 3 h w, of order one): 64 of each, row-major."""
        coefficients = F.conv2d(F.pixel_unshuffle(planes, 8), self.kernel, groups=3)
        return coefficients / (1.0 + coefficients.abs() / LIMIT)


def dct_basis() -> Tensor:
    """The matrix (8 8) whose row k is the k-th cosine of the orthonormal DCT-II."""
    index = torch.arange(8.0)
    basis = 0.5 * torch.cos((2.0 * index[None, :] + 1.0) * index[:, None] * (math.pi / 16.0))
    basis[0] /= math.sqrt(2.0)
    return basis
