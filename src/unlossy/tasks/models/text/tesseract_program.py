"""The program tesseract on this machine: its version, its languages, and a digest of what makes its answers."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from unlossy.core.errors import MissingProgram, UsageError
from unlossy.tasks.models.digests import model_digest

PROGRAM: Final = "tesseract"
TIMEOUT_S: Final = 60
_LISTED_IN: Final = re.compile(r'languages in "(?P<folder>[^"]+)"')


def has_languages(languages: Sequence[str], spec: str) -> None:
    """Nothing; raises MissingProgram without the program, UsageError naming the languages that are not installed."""
    if shutil.which(PROGRAM) is None:
        raise MissingProgram(
            PROGRAM,
            "Debian and Ubuntu: apt install tesseract-ocr; others: https://tesseract-ocr.github.io. "
            "Beside it: pip install 'unlossy[text]'",
            f"the model {spec}",
        )
    there = _said("--list-langs").splitlines()[1:]
    missing = [language for language in languages if language not in there]
    if missing:
        raise UsageError(
            f"{spec}: tesseract has no language {', '.join(map(repr, missing))}; it has {', '.join(sorted(there))}. "
            "Debian and Ubuntu: apt install tesseract-ocr-LANGUAGE"
        )


def digest(languages: Sequence[str], settings: Mapping[str, int | float | None]) -> str:
    """SHA-256, in hex, over the languages' data, the program's version and the settings."""
    listed = _LISTED_IN.search(_said("--list-langs"))  # older ones do not say where: then by name alone
    folder = Path(listed["folder"]) if listed else Path("/nowhere")
    files = [folder / f"{language}.traineddata" for language in languages]
    told = {"languages": list(languages), "version": version(), **settings}
    return model_digest([file for file in files if file.is_file()], told)


def version() -> str:
    """The program's version: "tesseract 5.3.0"."""
    return _said("--version").splitlines()[0].strip()


def _said(option: str) -> str:
    done = subprocess.run([PROGRAM, option], capture_output=True, timeout=TIMEOUT_S, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace") or "unknown"
