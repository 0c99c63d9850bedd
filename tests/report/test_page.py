"""The document: what it says of runs written row by row, what it escapes, and that it does not grow with the items."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.report.made import make_run, row_of, simple_rows
from unlossy.core.errors import RunError, UsageError
from unlossy.report import write_report
from unlossy.report.foot import method_section
from unlossy.report.loaded import load_runs

VOID = {"br", "col", "hr", "img", "link", "meta", "line", "circle", "rect", "polygon", "polyline"}
EVIL = '<script>alert("x")</script>'


class Outline(HTMLParser):
    """Elements, ids, links and text; fails where elements are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.count, self.ids, self.links, self.text, self.sources = [], {}, [], [], [], []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.count[tag] = self.count.get(tag, 0) + 1
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.sources += [given.get("src"), given.get("href") if tag == "link" else None]
        if tag == "img":
            assert given["alt"]
        if tag not in {"br", "col", "hr", "img", "link", "meta"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def report_of(*runs):
    path = write_report(list(runs))
    return Outline(path.read_text("utf-8")), path


def test_a_run_without_pictures_has_a_whole_report(tmp_path):
    page, path = report_of(make_run(tmp_path / "run", simple_rows(40), n_items=40))
    assert path == tmp_path / "run" / "report.html"
    assert "At JPEG 10 this model loses 50.0 points of top-1" in page.words
    assert "Top-1: 100.0 % clean, 50.0 % at JPEG 10." in page.words
    assert "This run holds no pictures" in page.words
    assert "unlossy study --model onnx:some/model.onnx --data photos --codec jpeg:10,50,90" in page.words
    assert (page.count["html"], page.count["main"], page.count["h1"], page.count["nav"]) == (1, 1, 1, 1)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert page.count["caption"] == page.count["table"]
    assert [source for source in page.sources if source] == ["data:,"]


def test_the_table_has_the_numbers(tmp_path):
    path = write_report([make_run(tmp_path / "run", simple_rows(40), n_items=40)])
    cells = re.findall(r"<tr><th[^>]*>([^<]*)</th>(.*?)</tr>", path.read_text("utf-8"))
    rows = {name: re.findall(r"<td[^>]*>([^<]*)<", values) for name, values in cells}
    loss, interval, _, noise, rate, top1 = rows["JPEG 10"][:6]
    assert (loss, noise, rate, top1) == ("50.0", "beyond", "2.00", "50.0")  # 800 bytes on 80 x 40 pixels
    low, high = map(float, interval.split(" to "))
    assert low < 50 < high
    assert rows["JPEG 90"][:2] == ["0.0", "0.0 to 0.0"]
    assert rows["clean"][-1] == "40"
    assert rows["class 0"] == ["10", "10", "10", "5", "class 9 (5)"]  # images, right clean, at 50, at 10, taken for


def test_hostile_names_stay_text(tmp_path):
    rows = [
        row_of(i, codec, 0 if codec == "clean" else 1, key=f"{EVIL}/{i}\x1b[31m\n.png", class_name=EVIL)
        for i in range(12)
        for codec in ("clean", "jpeg:10")
    ]
    run = make_run(
        tmp_path / "a<b>&'\"",
        rows,
        ("jpeg:10",),
        n_items=12,
        model=f"onnx:{EVIL}.onnx",
        data="</style></script><img src=x onerror=alert(1)>",
    )
    page, path = report_of(run)
    assert page.count["script"] == 1
    assert page.count["style"] == 1
    assert page.count.get("img", 0) == 0
    assert EVIL in page.words
    assert "\x1b" not in path.read_text("utf-8")


def test_unlabelled_failed_and_unfinished_runs_say_so_first(tmp_path):
    rows = []
    for index in range(20):
        error = "decode" if index == 3 else None
        rows.append(row_of(index, "clean", 2, truth=None, clean=2, error=error))
        rows.append(row_of(index, "jpeg:10", 2 + index % 2, truth=None, clean=2, error=error))
    page, _ = report_of(make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=50))
    head = page.words[: page.words.index("How the loss grows")]
    assert "At JPEG 10 this model changes its answer on 47.4 % of the images" in head
    assert "1 of 50 items failed (1 decode)" in head
    assert "There are no labels" in head
    assert "not finished: 20 of 50 images are done" in head


def test_nothing_scored_is_a_report_too(tmp_path):
    rows = [row_of(0, codec, 0, error="read") for codec in ("clean", "jpeg:10")]
    page, _ = report_of(make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=1))
    assert "Nothing could be scored" in page.words
    assert "so there is no curve" in page.words


def test_several_runs_compare_models(tmp_path):
    first = make_run(tmp_path / "a", simple_rows(40), n_items=40, model="onnx:x/one.onnx")
    second = make_run(
        tmp_path / "b", simple_rows(40, ("webp:20", "jpeg:50")), ("webp:20", "jpeg:50"), n_items=40, model="hf:y/two"
    )
    page, path = report_of(first, second)
    assert path == tmp_path / "a" / "comparison.html"
    assert "What compression costs one and two" in page.words
    assert "Runs side by side" in page.words
    assert "one, JPEG" in page.words
    assert "two, WebP" in page.words
    assert len(page.ids) == len(set(page.ids))
    twice, _ = report_of(first, make_run(tmp_path / "c", simple_rows(8), n_items=8, model="onnx:x/one.onnx"))
    assert "one (a)" in twice.words
    assert "one (c)" in twice.words


def test_chains_stand_on_the_curve_of_sizes_only(tmp_path):
    codecs = ("jpeg:10+jpeg:75", "jpeg:10+jpeg:90")
    page, _ = report_of(make_run(tmp_path / "run", simple_rows(24, codecs), codecs, n_items=24))
    assert "None of these settings has one quality" in page.words
    assert "After JPEG 10 then JPEG 75 this model loses" in page.words


MITIGATIONS = ("none", "correct=small")


def mitigated_rows(n_items, mitigations):
    """Every item is wrong at JPEG 10, and three of four are right again with what stands before the model."""
    for index in range(n_items):
        for mitigation in mitigations:
            yield row_of(index, "clean", 0, mitigation=mitigation)
            answer = 0 if mitigation != "none" and index % 4 else 1
            yield row_of(index, "jpeg:10", answer, mitigation=mitigation)


def test_mitigations_stand_beside_none(tmp_path):
    rows = mitigated_rows(40, MITIGATIONS)
    run = make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=40, mitigations=MITIGATIONS)
    page, path = report_of(run)
    assert "At JPEG 10 this model loses 100.0 points" in page.words
    assert "JPEG, correct=small" in page.words
    text = path.read_text("utf-8")
    ((loss, share),) = re.findall(r">JPEG 10, correct=small</th><td>([^<]*)<.*?<td>([^<]*)</td></tr>", text)
    assert loss == "25.0"
    assert share.startswith("75.0 [")


def test_a_study_of_a_mitigation_alone_says_so(tmp_path):
    rows = [*mitigated_rows(40, MITIGATIONS)]
    rows = [row for row in rows if row.codec == "clean" or row.mitigation != "none"]
    page, _ = report_of(make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=40, mitigations=MITIGATIONS[1:]))
    assert "With correct=small: At JPEG 10 this model loses 25.0 points" in page.words
    assert "Nothing was scored, so nothing is ranked" not in page.words


def test_it_does_not_grow_with_the_items(tmp_path):
    sizes = []
    for n_items in (100, 500):
        run = make_run(tmp_path / f"run{n_items}", simple_rows(n_items, n_classes=20), n_items=n_items)
        sizes.append(write_report([run]).stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 1000
    assert sizes[1] < 60_000


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = make_run(tmp_path / "run", simple_rows(12), n_items=12)
    assert write_report([run]).read_bytes() == write_report([run], tmp_path / "again.html").read_bytes()


def test_what_cannot_be_reported_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a RUN folder"):
        write_report([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="1 to 12 runs"):
        write_report([])
    run = make_run(tmp_path / "run", simple_rows(4), n_items=4)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Give another place"):
        write_report([run], tmp_path / "file" / "report.html")
    (run / "pictures").mkdir()
    (run / "pictures" / "index.json").write_text("{}")
    with pytest.raises(UsageError, match="remove it and run the study again"):
        write_report([run])


def test_settings_are_counted_once_however_many_methods_there_are(tmp_path):
    given = {method: simple_rows(8, mitigation=method) for method in ("none", "correct=a")}
    rows = [row for rows in given.values() for row in rows]
    run = make_run(tmp_path / "run", rows, n_items=8, mitigations=tuple(given))
    assert "8 images from photos, 3 settings" in report_of(run)[0].words


def test_the_clean_row_has_all_images_that_were_scored_clean(tmp_path):
    rows = [row_of(n, "clean", 0) for n in range(4)]
    rows += [row_of(n, "jpeg:10", 0, error=None if n else "codec") for n in range(4)]
    run = make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=4)
    (clean,) = re.findall(r"<tr><th[^>]*>clean</th>(.*?)</tr>", write_report([run]).read_text("utf-8"))
    assert re.findall(r"<td[^>]*>([^<]*)</td>", clean)[-1] == "4"


@pytest.mark.parametrize(
    ("task", "of_the_set"),
    [("classification", None), ("detection", "AP, AP50, AP75"), ("text", "CER")],
)
def test_how_the_numbers_were_made_fits_the_metrics(tmp_path, task, of_the_set):
    (run,) = load_runs([make_run(tmp_path / "run", simple_rows(8), n_items=8)])
    result = replace(run.result, plan=replace(run.result.plan, task=task))
    told = method_section([replace(run, result=result)])
    assert ("1000 draws" in told) == (of_the_set is not None)
    assert of_the_set is None or of_the_set in told
