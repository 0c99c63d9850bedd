"""What an audit looks at beyond the headers, and with how many processes."""

from dataclasses import dataclass

from unlossy.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """One audit's choices.

    Attributes:
        pixels: Decode each image and measure blockiness, grid offset and clipped samples.
        deep: Read each JPEG whole: number of scans, bytes behind the end marker.
        sha256: Read each file whole: its SHA-256, in hex.
        jobs: Processes, at least 1.
    """

    pixels: bool = False
    deep: bool = False
    sha256: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError(f"{self.jobs} processes cannot work; --jobs takes 1 or more")
