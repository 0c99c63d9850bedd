"""A real, small study of generated scenes with its pictures, and a browser to look at reports with."""

import os

import pytest

from tests.report.browser import Browser, find_chromium
from unlossy.study import StudyPlan, run_study

SHOWN = "scene-000003.ppm"
METHODS = ("none", "correct=small")


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory):
    """The RUN of 24 scenes at JPEG 10, 30 and 90, with nothing and corrected; one scene kept through all of them."""
    run = tmp_path_factory.mktemp("demo") / "run"
    plan = StudyPlan(model="onnx:demo", data="synthetic:24", codecs=("jpeg:10,30,90",), mitigations=METHODS)
    run_study(plan, run, show=(SHOWN,))
    return run


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium; where CI=true its absence is a failure, elsewhere a skip."""
    chromium = find_chromium()
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have Chromium: the report is looked at in it")
        pytest.skip("no Chromium on PATH")
    opened = Browser(chromium, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()
