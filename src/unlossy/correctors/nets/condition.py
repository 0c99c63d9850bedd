"""What a network is told of the compression: the tables as features, and how large a residual they leave.

A quantization step q leaves an error of variance q^2/12 where the coefficient survives and of the coefficient's own
variance s^2 where it does not; 1/sqrt(12/q^2 + 1/s^2) joins the two. Over the 64 coefficients of an orthonormal
transform the mean of the squares is the variance of the error of a pixel. A network whose residual is scaled by it
starts to learn at once at every quality; one whose residual is scaled by q drowns in high frequencies.
"""

import math

import torch
from torch import Tensor, nn

N_FEATURES = 2 * 64 + 2
"""Both tables and the two sampling factors."""

_UNKNOWN_SCALE = (0.03, 0.015, 0.015)
"""Where training starts for pictures without tables: about what quality 20 leaves."""


def natural_deviation() -> Tensor:
    """Standard deviation of each DCT coefficient of luma and chroma in pictures (2 8 8, samples of 0..255).

    A power of the radial frequency, fitted on 52 photographs of the training set; DC apart.
    """
    frequency = torch.arange(8.0)
    radius = torch.hypot(frequency[:, None], frequency[None, :])
    radius[0, 0] = 1.0
    deviation = torch.stack([120.0 * radius**-1.5, 27.0 * radius**-1.6])
    deviation[:, 0, 0] = torch.tensor([587.0, 155.0])
    return deviation


def expected_error(tables: Tensor, sampling: Tensor, natural: Tensor) -> Tensor:
    """Standard deviation of the compression error of Y, Cb, Cr (b 3, samples of 0..1).

    `tables` (b 2 8 8) are the luma and chroma steps, 1..65535; `sampling` (b 2) the luma sampling factors; `natural` is
    `natural_deviation()`. A subsampled chroma plane also loses the upper half of its frequencies in that direction.
    """
    variance = 1.0 / (12.0 / tables.clamp(min=1.0) ** 2 + 1.0 / natural**2)
    planes = variance.mean(dim=(2, 3))
    upper = (natural[1, 4:, :] ** 2).sum() / 64.0
    chroma = planes[:, 1:] + upper * (sampling - 1.0).clamp(0.0, 1.0).sum(dim=1, keepdim=True)
    return torch.cat([planes[:, :1], chroma, chroma], dim=1).sqrt() / 255.0


def features(tables: Tensor, sampling: Tensor) -> Tensor:
    """The tables' logarithms and the sampling factors', each of order one (b 130)."""
    steps = (tables.clamp(min=1.0).log().flatten(1) - 3.0) / 1.5
    return torch.cat([steps, sampling.clamp(min=1.0).log() / math.log(2.0)], dim=1)


class Condition(nn.Module):
    """An embedding of the compression and the scale of its residual; both learned where nothing is known."""

    natural: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(N_FEATURES, width), nn.ReLU(), nn.Linear(width, width))
        self.unknown = nn.Parameter(torch.zeros(width))
        self.unknown_log_scale = nn.Parameter(torch.tensor(_UNKNOWN_SCALE).log())
        self.register_buffer("natural", natural_deviation(), persistent=False)

    def forward(self, tables: Tensor, known: Tensor, sampling: Tensor) -> tuple[Tensor, Tensor]:
        """The embedding (b width) and the residual's scale (b 3); `known` (b) is 1.0 or 0.0."""
        weight = known[:, None]
        told = self.embed(features(tables, sampling))
        embedding = weight * told + (1.0 - weight) * self.unknown
        scale = weight * expected_error(tables, sampling, self.natural) + (1.0 - weight) * self.unknown_log_scale.exp()
        return embedding.relu(), scale
