"""How near the aimed-at networks answer a held-out picture to its clean form: as JPEG, and corrected.

The distance is prediction-l1, whatever the run's loss is; agreement is that of the heads that hold classes.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.correctors.nets.guarded import guarded
from unlossy.train.degrade import through_jpeg
from unlossy.train.losses import psnr_db
from unlossy.train.quality_shares import VALIDATED
from unlossy.train.tables import libjpeg_tables
from unlossy.train.task_losses import Answers, Watched, prediction_l1
from unlossy.train.validation import as_rgb
from unlossy.train.views import MOST_NATIVE

MOST_PIXELS: Final = 48 * 224 * 224
"""In the pictures looked at, for all networks together; more cost time at every validation."""
TOGETHER: Final = 8
CPU: Final = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Near:
    """How near some pictures' answers are to the clean ones: distance (0 is equal), agreement in 0..1."""

    distance: float
    agreement: float


class AimValidation:
    """Some pictures in the sizes of the networks' views as 4:2:0 JPEGs, and the networks' clean answers, made once.

    Of more pictures than are looked at, evenly spaced ones are: in the order of their names a folder's stand together.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        networks: Sequence[Watched],
        sizes_hw: Sequence[tuple[int, int]],
        qualities: Sequence[int] = VALIDATED,
        device: torch.device = CPU,
    ) -> None:
        most = max(1, MOST_PIXELS // sum(height * width for height, width in sizes_hw))
        sizes = dict.fromkeys(sizes_hw)
        self.clean = {
            size: [as_rgb(_central(image, size), device) for image in _spread(images, most)] for size in sizes
        }
        self.jpegs = {q: {size: [_as_jpeg(p, q) for p in self.clean[size]] for size in sizes} for q in qualities}
        self.networks = list(zip(networks, sizes_hw, strict=True))
        self.answers = [list(_answers(task, self.clean[size])) for task, size in self.networks]
        self.before = {q: self._near(pictures) for q, pictures in self.jpegs.items()} if images else {}

    def measures(self, network: nn.Module) -> Mapping[str, float]:
        """Per quality: agreement with the clean answer (0..1), distance as a share of the JPEG's, PSNR gain (dB).

        Agreement and distance are means over the networks.
        """
        found: dict[str, float] = {}
        for quality, before in self.before.items():
            jpegs = self.jpegs[quality]
            corrected = {size: [_corrected(network, p, quality) for p in jpegs[size]] for size in jpegs}
            after = self._near(corrected)
            found |= {
                f"agreement_jpeg_q{quality}": _mean(near.agreement for near in before),
                f"agreement_q{quality}": _mean(near.agreement for near in after),
                f"distance_q{quality}": _mean(
                    a.distance / b.distance if b.distance else 0.0 for a, b in zip(after, before, strict=True)
                ),
                f"gain_q{quality}_db": _mean(
                    gain
                    for size in jpegs
                    for c, j, r in zip(corrected[size], jpegs[size], self.clean[size], strict=True)
                    if math.isfinite(gain := float(psnr_db(c, r) - psnr_db(j, r)))  # a blank page has no error
                ),
            }
        return found

    def _near(self, pictures: Mapping[tuple[int, int], Sequence[Tensor]]) -> list[Near]:
        """Of each network."""
        return [
            _nearness(task, _answers(task, pictures[size]), clean)
            for (task, size), clean in zip(self.networks, self.answers, strict=True)
        ]


def _spread(images: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """At most that many of the images, evenly spaced."""
    n = min(most, len(images))
    return [images[i * len(images) // n] for i in range(n)]


def _nearness(task: Watched, found: Iterable[Answers], wanted: Sequence[Answers]) -> Near:
    heads, n = task.task.heads, 0
    distance, agreed = 0.0, []
    for ours, clean in zip(found, wanted, strict=True):
        size = len(next(iter(clean.values())))
        distance, n = distance + size * float(prediction_l1(ours, clean, heads, task.units)), n + size
        shares = [head.agreement(ours[name], clean[name]) for name, head in heads.items()]
        agreed += [share.float().mean(dim=0) * size for share in [_over_heads(shares)] if share is not None]
    return Near(distance / n, float(sum(agreed)) / n)


def _over_heads(shares: Sequence[Tensor | None]) -> Tensor | None:
    told = [share for share in shares if share is not None]
    return torch.stack(told).mean(dim=0) if told else None


@torch.inference_mode()
def _answers(task: Watched, pictures: Sequence[Tensor]) -> Iterator[Answers]:
    """The outputs for some pictures at a time."""
    for i in range(0, len(pictures), TOGETHER):
        outputs = task.task.outputs(torch.cat(list(pictures[i : i + TOGETHER])))
        yield {name: outputs[name].float() for name in task.task.heads}


@torch.inference_mode()
def _corrected(network: nn.Module, picture: Tensor, quality: int) -> Tensor:
    here, ycc = picture.device, ycc_from_rgb(picture)
    tables = torch.tensor(libjpeg_tables(quality), dtype=torch.float32, device=here).reshape(1, 2, 8, 8)
    known, sampling = torch.ones(1, device=here), torch.full((1, 2), 2.0, device=here)
    answer = guarded(network(ycc, tables, known, sampling), ycc, tables, known, sampling)
    return torch.round(rgb_from_ycc(answer).clamp(0.0, 1.0) * 255.0) / 255.0


def _as_jpeg(picture: Tensor, quality: int) -> Tensor:
    pixels = torch.round(picture[0] * 255.0).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    decoded = through_jpeg(np.ascontiguousarray(pixels), libjpeg_tables(quality), "4:2:0")[0]
    return as_rgb(decoded, picture.device)


def _mean(values: Iterable[float]) -> float:
    """0 of none."""
    told = list(values)
    return sum(told) / len(told) if told else 0.0


def _central(image_hwc: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """The centre as it is, as most views are cut; of a picture too small or too large for that, the largest resized."""
    height, width = image_hwc.shape[:2]
    scale = min(height / size_hw[0], width / size_hw[1])
    if 1.0 <= scale <= MOST_NATIVE:
        top, left = (height - size_hw[0]) // 2, (width - size_hw[1]) // 2
        return np.ascontiguousarray(image_hwc[top : top + size_hw[0], left : left + size_hw[1]])
    taken_h, taken_w = int(size_hw[0] * scale), int(size_hw[1] * scale)
    top, left = (height - taken_h) // 2, (width - taken_w) // 2
    region = Image.fromarray(image_hwc[top : top + taken_h, left : left + taken_w])
    return np.asarray(region.resize(size_hw[::-1], Image.Resampling.BICUBIC))
