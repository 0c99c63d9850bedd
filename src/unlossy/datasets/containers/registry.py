"""Every kind of container, and which files are one."""

from unlossy.datasets.containers.base import Container
from unlossy.datasets.containers.parquet import PARQUET
from unlossy.datasets.containers.pdf import PDF
from unlossy.datasets.containers.tar import TAR
from unlossy.datasets.containers.zip import ZIP

CONTAINERS: tuple[Container, ...] = (TAR, ZIP, PARQUET, PDF)


def container_by_name(name: str) -> Container | None:
    """The kind that a file's suffix says, else None."""
    lower = name.lower()
    return next((container for container in CONTAINERS if lower.endswith(container.suffixes)), None)


def container_by_magic(head: bytes) -> Container | None:
    """The kind that a file's first 512 bytes say, else None."""
    return next((container for container in CONTAINERS if container.magic(head)), None)


def is_container(name: str, head: bytes) -> bool:
    """True where name or bytes are those of some container."""
    return container_by_name(name) is not None or container_by_magic(head) is not None
