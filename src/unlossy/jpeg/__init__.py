"""Evidence in the bytes of a JPEG file: markers, tables, quality. Nothing here decodes."""

from unlossy.jpeg.errors import JpegError, JpegTruncatedError
from unlossy.jpeg.header import JpegHeader, read_header
from unlossy.jpeg.quality import QualityEstimate, estimate_quality

__all__ = ["JpegError", "JpegHeader", "JpegTruncatedError", "QualityEstimate", "estimate_quality", "read_header"]
