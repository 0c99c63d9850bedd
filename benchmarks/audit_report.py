"""The page of a large audit: seconds to judge and to write it, its size, and how it opens and answers in Chromium.

    python benchmarks/audit_report.py [--rows 100000] [--pictures DIR]

The rows are made: 20 classes of quality 93 to 95, one image in a hundred of quality 12, one in a thousand cut. With
`--pictures` every picture of the page is one of that folder's, so that the size is that of a real page. Opening is the
time to the load event; then the table is sorted by a click and searched, the time until it shows the rows.
"""

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.report.browser import Browser, find_chromium
from tests.report.made_audit import many_rows

from unlossy.audit.verdict import judge
from unlossy.datasets import open_dataset
from unlossy.report.audit.chosen import choose
from unlossy.report.audit.facts import facts_of
from unlossy.report.audit.gallery import wanted
from unlossy.report.audit.page import AuditMeta, render_audit
from unlossy.report.audit.standing import block_rows
from unlossy.report.audit.thumbnails import load_pictures

SORT = """(() => { const start = performance.now();
document.querySelectorAll("#images-table thead button")[%d].click();
document.body.getBoundingClientRect(); return performance.now() - start; })()"""
SEARCH = """new Promise(done => { const start = performance.now(), found = document.getElementById("found");
new MutationObserver(() => done(performance.now() - start)).observe(found, { childList: true });
const box = document.getElementById("search"); box.value = "class 07 mozjpeg";
box.dispatchEvent(new Event("input")); })"""


def timed(what, function):
    start = time.perf_counter()
    value = function()
    print(f"{what}: {time.perf_counter() - start:.2f} s", flush=True)
    return value


def pictures_of(folder, rows, verdict):
    """The page's pictures, each one of the folder's in turn."""
    facts = facts_of(rows)
    rows_wanted = wanted(facts, choose(facts, block_rows(verdict)).pictures)
    files = cycle(open_dataset(folder, labelled=False))
    items = [replace(item, key=want.key) for item, want in zip(files, rows_wanted, strict=False)]
    return load_pictures(items, rows_wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pictures")
    chosen = parser.parse_args()
    rows = many_rows(chosen.rows)
    verdict = timed("verdict", lambda: judge(rows))
    pictures = timed("pictures", lambda: pictures_of(chosen.pictures, rows, verdict)) if chosen.pictures else {}
    text = timed("page", lambda: render_audit(rows, verdict, pictures, AuditMeta(rows_file="rows.parquet")))
    print(f"{chosen.rows} rows: {len(text.encode()) / 1e6:.2f} MB, {len(pictures)} pictures")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if (chromium := find_chromium()) is None:
        print("Chromium is not on PATH: opening is not timed")
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder, "report.html")
        path.write_text(text, "utf-8")
        browser = Browser(chromium, Path(folder, "profile"))
        opened = sorted(browser.open(path) for _ in range(5))[2]
        sorts = [browser.ask(SORT % column) for column in (0, 2, 3)]
        answers = f"sorts in {max(sorts):.0f} ms; searches in {browser.ask(SEARCH):.0f} ms"
        print(f"opens in {opened:.2f} s (median of 5); {answers}")
        browser.close()


if __name__ == "__main__":
    main()
