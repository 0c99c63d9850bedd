"""The report as Chromium sees it: silent, self-contained, whole at every width, usable by keyboard."""

import pytest

from unlossy.report import write_report

CONTRAST = """
(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.matches("script, style, title, desc")) continue;
    const style = getComputedStyle(e);
    const ink = parse(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.tagName} ${e.className}: ${e.textContent.slice(0, 30)}`);
  }
  return poor;
})()
"""


@pytest.fixture(scope="module")
def report(demo_run):
    return write_report([demo_run])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280, 1600])
def test_it_is_silent_self_contained_and_fits(report, browser, width, dark):
    browser.open(report, width=width, dark=dark)
    assert browser.complaints() == []
    assert [url.split(":")[0] for url in browser.requests()] == ["file"], "the page itself and nothing else"
    assert browser.ask("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert browser.ask("document.images.length") > 8
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    assert browser.ask(CONTRAST) == []


def test_the_policy_forbids_what_is_outside(report, browser):
    """Break it on purpose: an image from elsewhere and a foreign script must be refused by the page itself."""
    browser.open(report)
    browser.ask("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    browser.ask(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))"
    )
    assert browser.ask("window.bad === undefined")
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


def test_the_theme_switches(report, browser):
    browser.open(report)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.ask(paper)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(paper) != light
    assert browser.ask("document.getElementById('theme').textContent") == "Light"
    assert browser.ask(CONTRAST) == []


def test_arrow_keys_move_the_enlarged_region_of_all_versions(report, browser):
    browser.open(report)
    state = "[...document.querySelector('[data-zoom]').querySelectorAll('.frame')].map(f => f.style.left + f.style.top)"
    zooms = "[...document.querySelector('[data-zoom]').querySelectorAll('.zoom')].map(image => image.src)"
    frames, pictures = browser.ask(state), browser.ask(zooms)
    browser.ask("document.querySelector('[data-zoom] .versions').focus()")
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp"):
        browser.press(key)
    moved = browser.ask(state)
    assert len(set(moved)) == len(set(frames)) == 1, "all versions show the same region"
    assert moved != frames
    assert all(after != before for after, before in zip(browser.ask(zooms), pictures, strict=True))
    assert browser.complaints() == []


def test_the_first_tab_stop_leads_to_the_content(report, browser):
    browser.open(report)
    browser.press("Tab")
    assert browser.ask("document.activeElement.getAttribute('href')") == "#content"
    assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_prints(report, browser, tmp_path):
    browser.open(report, dark=True)
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("getComputedStyle(document.getElementById('theme')).display") == "none"
    browser.call("Emulation.setEmulatedMedia", media="")
