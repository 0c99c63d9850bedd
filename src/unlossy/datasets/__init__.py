"""Datasets: undecoded Items in a stable order, from a folder or made on the spot."""

from unlossy.datasets.base import Dataset
from unlossy.datasets.open import open_dataset

__all__ = ["Dataset", "open_dataset"]
