"""The page of an audit as Chromium sees it: silent, self-contained, whole at every width; its table works."""

import csv
import io
import time

import pytest

from tests.report.made_audit import item_of, jpeg_bytes, many_rows, row_of, table_of
from tests.report.test_audit_page import planted_rows
from tests.report.test_browser import CONTRAST
from unlossy.audit.verdict import judge
from unlossy.report.audit.page import AuditMeta, render_audit
from unlossy.report.audit.thumbnails import Wanted, load_pictures

CELLS = "[...document.querySelectorAll('#images-table tbody tr')].map(r => [...r.children].map(c => c.textContent))"
HEADS = "[...document.querySelectorAll('#images-table thead th')].map(h => h.textContent)"
HOSTILE = "</script><img src=x onerror='window.bad=1'><script>window.bad=1</script>"
FORMULA = '=HYPERLINK("http://x","a")'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rows = planted_rows()
    rows += [row_of(FORMULA, 40, chroma=80, groups={"class": "@SUM(A1)"}), row_of('+"quoted", and long', 41)]
    rows.append(row_of(HOSTILE, 42, groups={"class": HOSTILE}))
    data = jpeg_bytes(quality=12)
    low = [row["key"] for row in rows if row["ijg_quality_luma"] == 12]
    pictures = load_pictures([item_of(key, data) for key in low[1:]], [Wanted(key, "jpeg", None, 3200) for key in low])
    table = table_of(rows)
    path = tmp_path_factory.mktemp("audit") / "report.html"
    path.write_text(render_audit(table, judge(table), pictures, AuditMeta(sources=("photos",))), "utf-8")
    return path


def column(browser, heading):
    at = browser.ask(HEADS).index(heading)
    return [cells[at] for cells in browser.ask(CELLS)]


def click(browser, heading):
    at = browser.ask(HEADS).index(heading)
    browser.ask(f"document.querySelectorAll('#images-table thead button')[{at}].click()")


def search(browser, words):
    browser.ask(
        f"(() => {{ const s = document.getElementById('search'); s.value = {words!r};"
        "s.dispatchEvent(new Event('input')); })()"
    )
    browser.ask("new Promise(done => setTimeout(done, 250))")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_is_silent_self_contained_and_fits(page, browser, width, dark):
    browser.open(page, width=width, dark=dark)
    assert browser.complaints() == []
    assert [url.split(":")[0] for url in browser.requests()] == ["file"], "the page itself and nothing else"
    assert browser.ask("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert browser.ask("document.images.length") > 40
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    assert browser.ask(CONTRAST) == []


def test_pages_of_fifty(page, browser):
    browser.open(page)
    assert len(browser.ask(CELLS)) == 50
    assert browser.ask("document.getElementById('page').textContent") == "Rows 1 to 50 of 303"
    assert browser.ask("document.getElementById('previous').disabled")
    assert set(column(browser, "bits/pixel")) == {"2.000", ""}
    seen = [cells[0] for cells in browser.ask(CELLS)]
    for _ in range(6):
        browser.ask("document.getElementById('next').click()")
        seen += [cells[0] for cells in browser.ask(CELLS)]
    assert len(seen) == len(set(seen)) == 303
    assert browser.ask("document.getElementById('next').disabled")


def test_without_script_the_first_rows_are_there(page, browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    static = browser.ask(CELLS)
    assert len(static) == 50
    assert browser.ask("getComputedStyle(document.getElementById('controls')).display") == "none"
    browser.open(page)
    assert browser.ask(CELLS) == static, "the script draws what stood there"


def test_sorting_is_by_number_and_what_has_no_value_stays_last(page, browser):
    browser.open(page)
    click(browser, "luma quality")
    assert column(browser, "luma quality")[:33] == ["12"] * 30 + ["40", "41", "42"]
    assert browser.ask("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"
    click(browser, "luma quality")
    assert set(column(browser, "luma quality")) == {"95"}
    for _ in range(6):
        browser.ask("document.getElementById('next').click()")
    assert column(browser, "luma quality") == ["", "", ""]
    click(browser, "key")
    assert column(browser, "key")[:3] == ['+"quoted", and long', HOSTILE, FORMULA]


def test_hostile_names_are_text_wherever_the_script_puts_them(page, browser):
    browser.open(page)
    search(browser, "onerror")
    assert column(browser, "key") == [HOSTILE]
    assert column(browser, "class") == [HOSTILE]
    assert browser.ask("document.querySelectorAll('#images-table img, #images-table script').length") == 0
    assert browser.ask("window.bad === undefined")
    assert browser.complaints() == []


def test_search_takes_all_words(page, browser):
    browser.open(page)
    search(browser, "B/ 12 train")
    rows = browser.ask(CELLS)
    assert 0 < len(rows) < 30
    assert all(cells[0].startswith("b/") and "train" in cells for cells in rows)
    assert "of 303 rows found" in browser.ask("document.getElementById('found').textContent")
    search(browser, "nothing has this")
    assert browser.ask(CELLS) == []
    assert browser.ask("document.getElementById('page').textContent") == "No row"
    search(browser, "")
    assert len(browser.ask(CELLS)) == 50


def test_the_csv_is_a_file_and_holds_no_formula(page, browser, tmp_path):
    browser.open(page)
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.ask("document.getElementById('csv').click()")
    path, end = tmp_path / "unlossy-audit.csv", time.monotonic() + 20
    while not path.is_file() and time.monotonic() < end:
        time.sleep(0.05)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert len(rows) == 303
    by_key = {row["key"]: row for row in rows}
    assert by_key["'" + FORMULA]["class"] == "'@SUM(A1)"
    assert by_key["'" + FORMULA]["ijg_quality_luma"] == "40"
    assert '\'+"quoted", and long' in by_key
    assert {row["error_kind"] for row in rows} == {"", "truncated"}
    assert not any(value[:1] in tuple("=+-@") for row in rows for value in row.values())
    assert browser.complaints() == []


def test_it_prints(page, browser, tmp_path):
    browser.open(page, dark=True)
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("getComputedStyle(document.getElementById('controls')).display") == "none"
    browser.call("Emulation.setEmulatedMedia", media="")


def test_a_hundred_thousand_rows_open_and_answer_smoothly(browser, tmp_path):
    rows = many_rows(100_000)
    path = tmp_path / "large.html"
    path.write_text(render_audit(rows, judge(rows), {}, AuditMeta(rows_file="rows.parquet")), "utf-8")
    assert browser.open(path) < 5
    click(browser, "bits/pixel")
    search(browser, "class 07")
    assert (
        browser.ask(
            "(() => { const t = performance.now(); document.querySelector('#images-table thead button').click();"
            "return performance.now() - t; })()"
        )
        < 500
    )
    assert browser.complaints() == []
