"""What can be wrong with a JPEG file's headers.

DecodeError (core)
└── JpegError                  "decode"      the marker segments break ITU-T T.81, or are larger than we read
    └── JpegTruncatedError     "truncated"   the file ends inside its headers; also a TruncatedError (core)
"""

from unlossy.core.errors import DecodeError, TruncatedError


class JpegError(DecodeError):
    """Raised when the marker segments are not those of a JPEG image that a decoder could read."""

    kind = "decode"


class JpegTruncatedError(JpegError, TruncatedError):
    """Raised when the file ends before its frame header is complete."""

    kind = "truncated"
