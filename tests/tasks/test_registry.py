"""Names to tasks and models: what is unknown is refused with the list of what there is; nothing heavy is imported."""

import subprocess
import sys

import pytest

from unlossy.core.errors import UsageError
from unlossy.tasks.models.registry import ADAPTERS, load_classifier
from unlossy.tasks.registry import TASKS, load_task, yardstick


@pytest.mark.parametrize("spec", ["resnet50", "hf:", ":x", "", "keras:model", "HF:x"])
def test_an_unknown_form_lists_all_forms(spec):
    with pytest.raises(UsageError) as caught:
        load_classifier(spec)
    assert all(f"\n  {prefix}:" in str(caught.value) for prefix in ADAPTERS)


def test_an_unknown_task_lists_the_known():
    for call in (lambda: yardstick("poetry"), lambda: load_task("poetry", "hf:x")):
        with pytest.raises(UsageError, match="no task 'poetry'; there is: classification"):
            call()


def test_no_threads_at_all_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        load_classifier("hf:x", threads=0)


def test_every_yardstick_names_itself():
    assert {name: yardstick(name).task for name in TASKS} == {name: name for name in TASKS}


def test_yardsticks_and_onnx_need_no_torch(specs):
    code = f"""
import sys
from unlossy.tasks.registry import load_task, yardstick
yardstick("classification")
assert not {{"torch", "onnxruntime", "transformers"}} & set(sys.modules)
load_task("classification", {specs("onnx")!r})
assert not {{"torch", "transformers", "torchvision"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
