"""The benchmarks that the documents name still fit the program: what they import from it is there."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
EXTRAS = {"torch", "transformers", "torchvision", "timm", "onnx", "safetensors", "scipy"}
"""What a benchmark's modules may want and a small installation lacks."""


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_what_a_benchmark_imports_of_the_program_is_there(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] != "unlossy":
            continue
        try:
            module = import_module(node.module)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            pytest.skip(f"{error.name} is not installed")
        for name in node.names:
            if not hasattr(module, name.name):
                import_module(f"{node.module}.{name.name}")
