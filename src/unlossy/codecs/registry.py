"""Every codec by name. Adding one is a module with a `FAMILY` and one line here."""

from importlib import import_module

from unlossy.codecs.base import CodecFamily
from unlossy.core.errors import UsageError

MODULES: dict[str, str] = {
    "jpeg": "unlossy.codecs.jpeg",
    "webp": "unlossy.codecs.webp",
}


def codec_family(name: str) -> CodecFamily:
    """The family of that name; raises UsageError listing the names there are."""
    if name not in MODULES:
        raise UsageError(f"unknown codec {name!r}; there are: {', '.join(MODULES)}. `unlossy codecs` tells more")
    family: CodecFamily = import_module(MODULES[name]).FAMILY
    return family


def codec_families() -> list[CodecFamily]:
    """All families, those that do not work here too."""
    return [codec_family(name) for name in MODULES]
