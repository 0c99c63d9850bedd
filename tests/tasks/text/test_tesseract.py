"""Tesseract: sizes and settings without the program, its TSV by hand, and the program itself where it is installed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from unlossy.core.errors import MissingProgram, ModelError, TooLargeError, UsageError
from unlossy.core.pixels import from_pil
from unlossy.tasks.models.text import tesseract
from unlossy.tasks.models.text.base import Reading
from unlossy.tasks.models.text.registry import load_reader
from unlossy.tasks.models.text.tesseract import Settings, TesseractReader
from unlossy.tasks.models.text.tsv import readings_of
from unlossy.tasks.registry import load_task

WORDS = Path(__file__).parents[4] / "shared" / "data" / "ocr" / "words"

needs_program = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="the program tesseract (tesseract-ocr) is not installed"
)

TSV = """level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t99\t99\t-1\t
2\t1\t1\t0\t0\t0\t0\t0\t99\t99\t-1\t
5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t90\tTotal
5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t40\t9.00
5\t1\t1\t1\t2\t1\t0\t0\t9\t9\t95.5\t \t
5\t1\t2\t1\t1\t1\t0\t0\t9\t9\t60\tRM
1\t2\t0\t0\t0\t0\t0\t0\t99\t99\t-1\t
1\t3\t0\t0\t0\t0\t0\t0\t99\t99\t-1\t
5\t3\t1\t1\t1\t1\t0\t0\t9\t9\t100.4\tend
"""


def reader(settings=Settings()):  # noqa: B008 (frozen)
    return TesseractReader("tesseract:eng", "0" * 64, "eng", settings, 1)


def written(text, size=40):
    image = Image.new("RGB", (60 + 30 * len(text), 80), "white")
    ImageDraw.Draw(image).text((30, 15), text, fill="black", font=ImageFont.load_default(size))
    return from_pil(image)


def test_the_tables_words_become_lines_of_text():
    first, empty, last = readings_of(TSV)
    assert first.text == "Total 9.00\nRM"
    assert first.confidence == pytest.approx((5 * 90 + 4 * 40 + 2 * 60) / 11 / 100)
    assert empty == Reading("")
    assert last == Reading("end", 1.0)


@pytest.mark.parametrize(
    ("size_hw", "settings", "expected"),
    [
        ((40, 100), Settings(), ((80, 200), 8)),
        ((256, 1024), Settings(), ((512, 2048), 8)),
        ((256, 1025), Settings(), ((256, 1025), 3)),
        ((257, 40), Settings(), ((257, 40), 3)),
        ((40, 100), Settings(psm=7), ((80, 200), 7)),
        ((400, 100), Settings(scale=0.5), ((200, 50), 3)),
        ((1, 1), Settings(scale=0.1), ((1, 1), 8)),
    ],
)
def test_size_decides_between_word_and_page(size_hw, settings, expected):
    scan = reader(settings).normalise(np.zeros((*size_hw, 3), np.uint8))
    assert (scan.pixels_hwc.shape[:2], scan.psm) == expected


def test_no_picture_grows_without_bounds():
    with pytest.raises(TooLargeError, match="enlarged 8 times"):
        reader(Settings(scale=8.0)).normalise(np.zeros((1000, 8000, 3), np.uint8))


def test_without_the_program_its_package_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingProgram, match=r"apt install tesseract-ocr(.|\n)*unlossy\[text\]"):
        load_reader("tesseract:eng")


def test_a_program_that_fails_is_the_pictures_error(monkeypatch):
    monkeypatch.setattr(tesseract, "PROGRAM", "false")
    scan = reader().normalise(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ModelError, match="failed with exit code 1"):
        reader().read([scan, scan])
    monkeypatch.setattr(tesseract, "PROGRAM", "there-is-no-such-program")
    with pytest.raises(ModelError, match="cannot be run"):
        reader().read([scan])


@pytest.mark.parametrize(
    "spec", ["eng[psm=2]", "eng[psm=x]", "eng[scale=0]", "eng[scale=nan]", "eng[colour=red]", "eng deu", "eng[psm=7"]
)
def test_settings_that_mean_nothing_are_refused(spec):
    with pytest.raises(UsageError, match="tesseract:"):
        load_reader(f"tesseract:{spec}")


@needs_program
def test_a_language_that_is_not_installed_lists_those_that_are():
    with pytest.raises(UsageError, match=r"no language 'tlh'; it has .*eng"):
        load_reader("tesseract:eng+tlh")


@needs_program
def test_written_words_are_read_in_order_whatever_company_they_are_in():
    task = load_task("text", "tesseract:eng", threads=2)
    texts = ["HOME", "Platinum", "Total", "Garden"]
    page = np.full((400, 300, 3), 255, np.uint8)
    page[:80, :240] = written("Garden")
    prepared = [task.prepare(picture) for picture in [*map(written, texts), page]]
    answers = task.predict(prepared)
    assert [answer.text for answer in answers] == [*texts, "Garden"]
    assert max(answer.confidence for answer in answers) > 0.5
    assert task.predict(prepared[::-1])[::-1] == answers
    assert task.predict(prepared[1:2]) == answers[1:2]


@needs_program
def test_settings_change_the_digest():
    digests = {load_reader(f"tesseract:eng{settings}").digest for settings in ("", "[psm=8]", "[scale=2]")}
    assert len(digests) == 3


@needs_program
@pytest.mark.data
def test_word_crops_of_the_developers_data():
    if not WORDS.is_dir():
        pytest.skip("../shared/data/ocr is not there")
    from unlossy.codecs import decode_source
    from unlossy.datasets import open_dataset

    task = load_task("text", "tesseract:eng", threads=2)
    items = list(open_dataset(str(WORDS), targets="text"))[:24]
    answers = task.predict([task.prepare(decode_source(item.blob.all())) for item in items])
    scores = [task.yardstick.score(answer, item.target) for answer, item in zip(answers, items, strict=True)]
    assert task.yardstick.summarise(scores)["char_accuracy"] > 0.7  # 0.86 of all 250 with version 5.3
