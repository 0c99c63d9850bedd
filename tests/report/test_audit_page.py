"""The whole page of an audit: said in words, escaped, equal for equal input, and no larger for 100 000 rows."""

import re
from functools import cache

import pytest

from tests.report.made_audit import item_of, jpeg_bytes, many_rows, row_of, table_of
from tests.report.test_page import EVIL, Outline
from unlossy.audit.verdict import judge
from unlossy.report.audit.page import AuditMeta, render_audit
from unlossy.report.audit.thumbnails import Wanted, load_pictures


def planted_rows(n=300):
    """Quality 95 in three classes, but for 30 images at 12 in class b; five failed."""
    rows = []
    for number in range(n):
        name = "abc"[number % 3]
        quality = 12 if name == "b" and number < 90 else 95
        groups = {"class": name, "folder": name, "split": "train" if number % 4 else "val"}
        error = {"error": "truncated", "message": f"ends at byte {number}"} if number % 60 == 2 else {}
        rows.append(row_of(f"{name}/{number:03d}.jpg", quality, chroma=quality, groups=groups, **error))
    return rows


@cache
def planted():
    """The rows, and the verdict on them."""
    table = table_of(planted_rows())
    return table, judge(table)


def planted_page(pictures=None):
    table, verdict = planted()
    return render_audit(table, verdict, pictures or {}, AuditMeta(sources=("photos",)))


def page_of(rows, meta=None):
    table = table_of(rows)
    return render_audit(table, judge(table), {}, meta or AuditMeta())


def test_the_page_has_its_parts():
    page = Outline(planted_page())
    assert "What compression has done to photos" in page.words
    assert "30 images" in page.words
    for heading in (
        *("How quality is spread", "How strong the compression is", "What stands out", "Class by class"),
        *("Split by split", "The worst images", "What failed", "The images", "How this was made"),
    ):
        assert heading in page.words
    assert "5 images of 300 failed" in page.words
    assert "All 300 rows" in page.words
    assert "unlossy audit photos" in page.words
    assert (page.count["html"], page.count["main"], page.count["h1"], page.count["nav"]) == (1, 1, 1, 1)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert [source for source in page.sources if source] == ["data:,"]


def test_every_sentence_of_the_verdict_stands_before_the_sections():
    _table, verdict = planted()
    page = Outline(planted_page())
    head = page.words[: page.words.index("How quality is spread")]
    assert verdict.sentences
    for sentence in verdict.sentences:
        assert " ".join(sentence.split()) in head
    assert len(verdict.rogue_blocks) == 1
    assert verdict.rogue_blocks[0].n == 30


def test_pictures_are_shown_and_placeholders_named():
    data = jpeg_bytes(quality=12)
    low = [row["key"] for row in planted_rows() if row["ijg_quality_luma"] == 12]
    pictures = load_pictures([item_of(key, data) for key in low[1:]], [Wanted(key, "jpeg", None, 3200) for key in low])
    page = Outline(planted_page(pictures))
    assert page.count["img"] == 2 * (23 + 11)  # the first of 30 is gone, and stands in both galleries
    assert page.words.count("it is no longer there") == 2


def test_hostile_names_stay_text():
    rows = [
        row_of(
            f"{EVIL}</script>{n}\x1b[31m.jpg", 12 if n < 20 else 95, groups={"class": EVIL + "ab"[n % 2], "<b>": EVIL}
        )
        for n in range(60)
    ]
    rows += [row_of(f"bad{n}", error="read", message=EVIL, encoder=EVIL) for n in range(3)]
    meta = AuditMeta(sources=("</style></title><img src=x onerror=alert(1)>",), rows_file=EVIL, others={EVIL: 2})
    text = page_of(rows, meta=meta)
    page = Outline(text)
    assert page.count["script"] == 3, "two of ours and the data"
    assert page.count["style"] == 1
    assert page.count.get("img", 0) == 0
    assert page.count.get("b", 0) == page.count["figure"] - 1, "the gallery's own, none of a group's name"
    assert EVIL in page.words
    assert "\x1b" not in text


def test_equal_input_gives_an_equal_page():
    table, verdict = planted()
    again = table_of(planted_rows())
    assert render_audit(table, verdict, {}, AuditMeta()) == render_audit(again, verdict, {}, AuditMeta())


def test_nothing_is_a_page_too():
    page = Outline(page_of([]))
    assert "All 0 rows" in page.words
    assert "How this was made" in page.words


@pytest.mark.parametrize(
    "rows",
    [
        [row_of("only", error="read", message="gone", format=None, size_bytes=None)],
        [row_of(f"{n}", None, format="png", encoder=None) for n in range(4)],
        [row_of("one", 100)],
    ],
)
def test_small_and_strange_sets(rows):
    Outline(page_of(rows))


def test_a_hundred_thousand_rows_make_a_small_page():
    rows = many_rows(100_000)
    verdict = judge(rows)
    text = render_audit(rows, verdict, {}, AuditMeta(sources=("photos",), rows_file="rows.parquet"))
    assert len(text) < 2_500_000
    page = Outline(text)
    assert "5,000 of 100,000 rows" in page.words
    assert "The other 95,000 are counted in everything above, but are not in this table" in page.words
    assert "all of them are in rows.parquet" in page.words
    assert text.count("<tr>") < 500
    assert re.search(r"quality 12, libjpeg: [\d,]+ images", text)
