"""Shapes and types of every annotated function are checked while the tests run, and only then."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many processes as cores run the tests: threads would only queue

from jaxtyping import install_import_hook

install_import_hook("unlossy", "beartype.beartype")
