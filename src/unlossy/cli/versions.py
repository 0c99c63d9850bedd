"""The versions that can change a number, for `--version` and bug reports."""

import platform

from unlossy import __version__
from unlossy.codecs import codec_families
from unlossy.core.tools import version_of

CORE = ("numpy", "Pillow", "simplejpeg", "onnxruntime", "pyarrow")
OPTIONAL = ("torch", "torchvision", "transformers", "timm", "onnx")


def version_text() -> str:
    """Our own version on the first line, then Python, libraries (absent ones named), and each codec's encoder."""
    lines = [f"unlossy {__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    for names in (CORE, OPTIONAL):
        lines.append(", ".join(f"{name} {version_of(name) or 'not installed'}" for name in names))
    for family in codec_families():
        found = family.availability()
        lines.append(f"{family.name}: {found.version if found.available else found.reason}")
    return "\n".join(lines)
