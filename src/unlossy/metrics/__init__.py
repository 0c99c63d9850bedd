"""Metrics and the statistics over them."""

from unlossy.metrics.psnr import psnr_db
from unlossy.metrics.psnrb import psnrb_db
from unlossy.metrics.ssim import ssim_gaussian_11, ssim_uniform_8
from unlossy.metrics.stats import Interval, paired_difference

__all__ = ["Interval", "paired_difference", "psnr_db", "psnrb_db", "ssim_gaussian_11", "ssim_uniform_8"]
