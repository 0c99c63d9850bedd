"""How often the aimed-at networks answer a held-out picture as they do its clean form: as JPEG, and corrected."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.correctors.nets.guarded import guarded
from unlossy.tasks.models.differentiable import TorchClassifier
from unlossy.train.degrade import through_jpeg
from unlossy.train.losses import psnr_db
from unlossy.train.tables import libjpeg_tables
from unlossy.train.validation import as_rgb

QUALITIES: Final = (10, 20, 40, 80)
MOST: Final = 48
"""Pictures looked at; more cost time at every validation."""
TOGETHER: Final = 8


class AimValidation:
    """Some pictures in the size of the views as 4:2:0 JPEGs, and the networks' clean answers, made once."""

    def __init__(
        self, images: Sequence[np.ndarray], networks: Sequence[TorchClassifier], size_hw: tuple[int, int]
    ) -> None:
        device = torch.device("cpu")
        clean = [_central(image, size_hw) for image in images[:MOST]]
        self.networks = networks
        self.clean = [as_rgb(image, device) for image in clean]
        self.jpegs = {
            q: [as_rgb(through_jpeg(i, libjpeg_tables(q), "4:2:0")[0], device) for i in clean] for q in QUALITIES
        }
        self.answers = [self._answers(task, self.clean) for task in networks]
        self.before = {q: self._against_clean(pictures) for q, pictures in self.jpegs.items()}

    def measures(self, network: nn.Module) -> Mapping[str, float]:
        """Per quality: agreement with the clean answer (0..1), distance of the outputs (L1), PSNR gain (dB)."""
        found: dict[str, float] = {}
        for quality, pictures in self.jpegs.items():
            if not pictures:
                continue
            corrected = [self._corrected(network, picture, quality) for picture in pictures]
            (agreed_before, far_before), (agreed, far) = self.before[quality], self._against_clean(corrected)
            gain = [psnr_db(c, r) - psnr_db(j, r) for c, j, r in zip(corrected, pictures, self.clean, strict=True)]
            found |= {
                f"agreement_jpeg_q{quality}": agreed_before,
                f"agreement_q{quality}": agreed,
                f"distance_q{quality}": far / far_before if far_before else 0.0,
                f"gain_q{quality}_db": float(torch.cat(gain).mean()),
            }
        return found

    def _against_clean(self, pictures: Sequence[Tensor]) -> tuple[float, float]:
        agreed, far = [], []
        for task, clean in zip(self.networks, self.answers, strict=True):
            answers = self._answers(task, pictures)
            agreed.append((answers.flatten(1).argmax(dim=1) == clean.flatten(1).argmax(dim=1)).float())
            far.append((answers - clean).abs().flatten(1).mean(dim=1))
        if not pictures:
            return 0.0, 0.0
        return float(torch.cat(agreed).mean()), float(torch.cat(far).mean())

    @torch.inference_mode()
    def _answers(self, task: TorchClassifier, pictures: Sequence[Tensor]) -> Tensor:
        groups = [torch.cat(list(pictures[i : i + TOGETHER])) for i in range(0, len(pictures), TOGETHER)]
        return torch.cat([task.outputs(group)["logits"].float() for group in groups] or [torch.zeros(0, 1)])

    @torch.inference_mode()
    def _corrected(self, network: nn.Module, picture: Tensor, quality: int) -> Tensor:
        tables = torch.tensor(libjpeg_tables(quality), dtype=torch.float32).reshape(1, 2, 8, 8)
        known, sampling, ycc = torch.ones(1), torch.full((1, 2), 2.0), ycc_from_rgb(picture)
        answer = guarded(network(ycc, tables, known, sampling), ycc, tables, known, sampling)
        return torch.round(rgb_from_ycc(answer).clamp(0.0, 1.0) * 255.0) / 255.0


def _central(image_hwc: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """The largest central region of that shape, resized to it."""
    height, width = image_hwc.shape[:2]
    scale = min(height / size_hw[0], width / size_hw[1])
    taken_h, taken_w = int(size_hw[0] * scale), int(size_hw[1] * scale)
    top, left = (height - taken_h) // 2, (width - taken_w) // 2
    region = Image.fromarray(image_hwc[top : top + taken_h, left : left + taken_w])
    return np.asarray(region.resize(size_hw[::-1], Image.Resampling.BICUBIC))
