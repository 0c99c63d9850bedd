"""Metrics and the statistics over them."""

from unlossy.metrics.stats import Interval, paired_difference

__all__ = ["Interval", "paired_difference"]
