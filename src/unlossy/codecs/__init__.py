"""Lossy codecs, one file each, and the decoding of source images.

Adding a codec: a new module with a `FAMILY`, and one line in `registry.py`.
"""

from unlossy.codecs.base import Availability, Codec, CodecFamily, QualityScale
from unlossy.codecs.registry import codec_families, codec_family
from unlossy.codecs.source import decode_hinted, decode_source, hints_of
from unlossy.codecs.spec import parse_codecs

__all__ = [
    "Availability",
    "Codec",
    "CodecFamily",
    "QualityScale",
    "codec_families",
    "codec_family",
    "decode_hinted",
    "decode_source",
    "hints_of",
    "parse_codecs",
]
