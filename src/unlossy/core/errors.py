"""Everything that unlossy raises on purpose.

UnlossyError
├── UsageError          exit 2   refused before work starts: wrong option, unknown model, empty folder, another plan
├── MissingDependency   exit 4   an optional package is not installed; the message names the extra
│   └── MissingProgram              an external program is not installed; the message says where it comes from
├── RunError            exit 5   the run could not go on: disk full, RUN locked by another process
└── ItemError           exit 3   one item failed: becomes a row with `kind` and message, and the run goes on
    ├── ReadError       "read"        the bytes could not be read
    ├── DecodeError     "decode"      the bytes are not an image that can be decoded whole
    ├── TruncatedError  "truncated"   the image ends before its data do; a partial picture is not a picture
    ├── TooLargeError   "too_large"   the header claims more pixels than we allocate, an archive unpacks to more bytes
    ├── RefusedError    "refused"     not opened on purpose: an archive in an archive, a link out of the folder
    ├── NoImageError    "no_image"    a container that can be read and holds no image file
    ├── CodecError      "codec"       a codec refused to encode or decode
    ├── LabelError      "label"       the item's target is missing or does not fit the model
    └── ModelError      "model"       the model failed on this item, or answered with NaN
"""

from typing import ClassVar


class UnlossyError(Exception):
    """Base of all; the message says the finding and the remedy."""

    exit_code: ClassVar[int] = 5


class UsageError(UnlossyError):
    """Raised before any work: what was asked for cannot be done as asked."""

    exit_code = 2


class MissingDependency(UnlossyError):  # noqa: N818 (the finding is the name)
    """Raised when an optional package is needed and absent."""

    exit_code = 4

    def __init__(self, package: str, extra: str, needed_for: str, remedy: str | None = None) -> None:
        """Name the `package`, the `extra` that brings it (or another `remedy`), and what it is `needed_for`."""
        self.package, self.extra = package, extra
        remedy = remedy or f"Run: pip install 'unlossy[{extra}]'"
        super().__init__(f"{needed_for} needs {package}, which is not installed. {remedy}")


class MissingProgram(MissingDependency):
    """Raised when an external program is needed and absent."""

    def __init__(self, program: str, remedy: str, needed_for: str) -> None:
        """Name the `program`, how it is installed, and what it is `needed_for`."""
        self.package, self.extra = program, ""
        UnlossyError.__init__(self, f"{needed_for} needs the program {program}, which is not installed. {remedy}")


class RunError(UnlossyError):
    """Raised when a run that had started cannot go on."""

    exit_code = 5


class ItemError(UnlossyError):
    """One item's failure. Caught by the loops and written as a row; it never stops a run."""

    exit_code = 3
    kind: ClassVar[str] = "item"


class ReadError(ItemError):
    """The operating system or archive refused the bytes."""

    kind = "read"


class DecodeError(ItemError):
    """The bytes are not an image, or are damaged beyond a whole decode."""

    kind = "decode"


class TruncatedError(DecodeError):
    """The image's data end early."""

    kind = "truncated"


class TooLargeError(ItemError):
    """More than the limit: the pixels that a header claims, or the bytes that an archive's member unpacks to."""

    kind = "too_large"


class RefusedError(ItemError):
    """Not opened, or not overwritten, on purpose: an archive in an archive, a link out of its folder, a user's file."""

    kind = "refused"


class NoImageError(ItemError):
    """A container that can be read and holds no image file."""

    kind = "no_image"


class CodecError(ItemError):
    """A codec could not encode these pixels or decode these bytes."""

    kind = "codec"


class LabelError(ItemError):
    """The target is missing or does not fit the model."""

    kind = "label"


class ModelError(ItemError):
    """The model raised, or its answer holds NaN or infinity."""

    kind = "model"
