"""From a model SPEC to a text recogniser: a prefix names the module that knows that kind, imported only then."""

from typing import cast

from unlossy.tasks.models.prefixes import load_by_prefix
from unlossy.tasks.models.text.base import Reader

ADAPTERS = {
    "tesseract": "unlossy.tasks.models.text.tesseract",
    "onnx": "unlossy.tasks.models.text.onnx",
    "py": "unlossy.tasks.models.text.python",
}
"""Each module has `load(name, *, spec, threads) -> Reader`; `name` is the SPEC without its prefix."""

FORMS = """  tesseract:LANGUAGES[psm=N,scale=X]   tesseract:eng, tesseract:eng+deu, tesseract:eng[psm=7,scale=1]
  onnx:FILE                            onnx:crnn.onnx (with crnn.json beside it)
  py:MODULE:CALLABLE                   py:my_models:read"""


def load_reader(spec: str, *, threads: int | None = None, device: str = "cpu") -> Reader:
    """The text recogniser that a SPEC names, ready to read.

    Args:
        spec: PREFIX:NAME, one of the forms in `FORMS`.
        threads: how many processor cores it may use; None for all.
        device: "cpu"; no recogniser goes elsewhere.

    Raises:
        UsageError: unknown form, or a model that cannot be found or does not fit its description.
        MissingDependency: a program or the extra of that kind is not installed.
    """
    found = load_by_prefix(spec, ADAPTERS, what="text recogniser", forms=FORMS, threads=threads, device=device)
    return cast("Reader", found)
