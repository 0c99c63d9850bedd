"""What `unlossy explain` found: how compression bends a network's gradients, and what each mitigation straightens.

Computed by `study.explain`, shown by `report.explained`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from unlossy.metrics.stats import Interval

CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class GradientPoint:
    """One codec setting and mitigation.

    Attributes:
        weights: cosine, -1..1, of the loss's gradient in all the network's weights to the one on the clean picture.
        pixels: the same for the gradient in the pixels of the network's input.
        n: items in it.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    weights: Interval | None
    pixels: Interval | None
    n: int


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture as the network sees it, where it looks, and what it answers.

    Attributes:
        name: "clean", or the mitigation's text.
        picture: at the network's input size.
        gradient: size of the loss's gradient per pixel, 255 at the largest of the picture (99.5th percentile).
        activation: Grad-CAM of the clean answer's class at `Explanation.layer`, 255 at the largest.
        answer: the class, and its probability; right where it is the clean answer.
    """

    name: str
    picture: UInt8[np.ndarray, "h w 3"]
    gradient: UInt8[np.ndarray, "h w"]
    activation: UInt8[np.ndarray, "h w"]
    answer: str
    probability: float
    right: bool


@dataclass(frozen=True, slots=True)
class ExplainedItem:
    """One item at the setting that its pictures are shown at."""

    key: str
    codec: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole finding; `failed` items are named with a reason and are in no number."""

    model: str
    data: str
    layer: str
    n_items: int
    failed: tuple[tuple[str, str], ...]
    points: tuple[GradientPoint, ...]
    items: tuple[ExplainedItem, ...]

    def to_json(self) -> dict[str, Any]:
        """The numbers, without pictures."""

        def told(interval: Interval | None) -> dict[str, float] | None:
            return None if interval is None else {name: getattr(interval, name) for name in ("mean", "low", "high")}

        return {
            "model": self.model,
            "data": self.data,
            "layer": self.layer,
            "n_items": self.n_items,
            "failed": len(self.failed),
            "cells": [
                {
                    "codec": point.codec,
                    "codec_quality": point.codec_quality,
                    "mitigation": point.mitigation,
                    "gradient_cosine": {"weights": told(point.weights), "pixels": told(point.pixels)},
                    "n": point.n,
                }
                for point in self.points
            ],
            "errors": [{"key": key, "error_message": reason} for key, reason in self.failed],
        }
