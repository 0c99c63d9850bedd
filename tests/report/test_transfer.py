"""Correctors before several models on the page: rows, frames and what they are called."""

import re

from tests.report.test_recommendation import ones, run_of
from unlossy.report import write_report
from unlossy.runs.methods import Aim, MethodFacts


def section_of(runs):
    text = write_report(runs).read_text("utf-8")
    return text[text.index('<section id="transfer"') : text.index('<section id="curves"')]


def test_the_transfer_section(tmp_path):
    aimed, small = "correct=x/aimed.safetensors", "correct=small"
    made = {aimed: {"corrector": "a", "digest": "a" * 64}, small: {"corrector": "s", "digest": "5" * 64}}
    facts = {aimed: MethodFacts(aimed_at=(Aim("hf:zoo/one", "1" * 64),)), small: MethodFacts()}
    runs, none = [], {10: ones(20), 50: ones(60), 90: ones(60)}
    for name, digest, won in (("one", "1" * 64, 52), ("two", "2" * 64, 36)):
        given = {aimed: {10: ones(won)}, small: {10: ones(28)}}
        told = {"model_digest": digest, "mitigations": made}
        runs.append(run_of(tmp_path / name, given, none, made_by=told, methods=facts, model=f"hf:zoo/{name}"))
    section = section_of(runs)
    assert re.findall(r'id="transfer-\d-title">([^<]*)<', section) == [
        "Share of the loss won back at JPEG 10, %",
        "Share of the loss won back at JPEG 50, %",
    ]
    assert re.search(r"<title>aimed at one before two: 40 \[\d+, \d+\] %</title>", section)
    assert len(re.findall('class="zero"', section)) == 2, "one framed cell in each map"
    assert section.count(">loss within noise<") == 8, "nothing is lost at JPEG 50: in the map and in the table"
    cells, _ = re.findall(r"<th[^>]*>aimed</th>(.*?)</tr>", section)
    values = re.findall(r"<td[^>]*>([^<]*)</td>", cells)
    assert values[0] == "one"
    assert values[1].startswith("80 [")
    assert values[2].startswith("40 [")
    assert values[3] == "itself"


def test_two_correctors_aimed_at_one_model_are_told_apart_and_both_framed(tmp_path):
    first, second = "correct=x/first/weights.safetensors", "correct=x/second/weights.safetensors"
    made = {name: {"corrector": "a", "digest": digest * 64} for name, digest in ((first, "a"), (second, "b"))}
    facts = dict.fromkeys((first, second), MethodFacts(aimed_at=(Aim("hf:zoo/one", "1" * 64),)))
    runs, none = [], {10: ones(20), 50: ones(60), 90: ones(60)}
    for name, digest in (("one", "1" * 64), ("two", "2" * 64)):
        given = {first: {10: ones(40)}, second: {10: ones(30)}}
        told = {"model_digest": digest, "mitigations": made}
        runs.append(run_of(tmp_path / name, given, none, made_by=told, methods=facts, model=f"hf:zoo/{name}"))
    section = section_of(runs)
    at_10 = section[: section.index("transfer-1")]
    assert re.findall(r"<title>(aimed at one \(\w+\) before one: \d+) ", at_10) == [
        "aimed at one (first) before one: 50",
        "aimed at one (second) before one: 25",
    ]
    assert re.findall(r'text-anchor="end"[^>]*>([^<]*)<', at_10) == ["one", "first", "one", "second"]
    assert len(re.findall('class="zero"', at_10)) == 2, "both before the model that they were aimed at"
    assert re.search("of the first aimed at one,.%<", section)
    cells, _ = re.findall(r"<th[^>]*>second</th>(.*?)</tr>", section)
    of_first = re.findall(r"<td[^>]*>([^<]*)</td>", cells)[3]
    assert of_first.startswith("50 ["), "10 of the 20 that the first wins"


def test_where_nothing_was_scored_the_map_does_not_speak_of_noise(tmp_path):
    aimed, none = "correct=x/aimed.safetensors", {10: ones(20), 50: ones(60), 90: ones(60)}
    facts = {aimed: MethodFacts(aimed_at=(Aim("hf:zoo/one", "1" * 64),))}
    runs = []
    for name, digest, there in (("one", "1" * 64, ones(52)), ("two", "2" * 64, " " * 60)):
        told = {"model_digest": digest, "mitigations": {aimed: {"corrector": "a", "digest": "a" * 64}}}
        given = {aimed: {10: there, 50: ones(60)}}
        runs.append(run_of(tmp_path / name, given, none, made_by=told, methods=facts, model=f"hf:zoo/{name}"))
    section = section_of(runs)
    at_10 = section[section.index("transfer-0-0-title" if "transfer-0-0-title" in section else "at JPEG 10") :]
    assert ">loss within noise<" not in at_10[: at_10.index("at JPEG 50")]
