"""The recommendation: one small run for each rule, so that the words follow from the numbers."""

import html
import io
import re
from dataclasses import replace
from types import SimpleNamespace

from rich.console import Console

from tests.report.made import make_run, row_of, rows_by_hand
from unlossy.cli.table import print_study
from unlossy.metrics import Interval
from unlossy.report import write_report
from unlossy.report.loaded import load_runs, short_name
from unlossy.report.methods import methods_section, share_text
from unlossy.report.recommendation import recommend
from unlossy.report.told import spans
from unlossy.report.transfer import transfer_section
from unlossy.report.verdict import caveats
from unlossy.runs import summarise_run
from unlossy.runs.methods import MethodFacts

N = 60


def ones(count, *, first=0):
    """A text of N answers of which `count` are right, from the one numbered `first` on."""
    return ("0" * first + "1" * count).ljust(N, "0")


def run_of(folder, given, /, none=None, clean=None, **more):
    """A run at JPEG 10, 50 and 90; `given` has of each mitigation its answers there and, maybe, on clean images."""
    none = none or {10: ones(20), 50: ones(50), 90: ones(60)}
    answers = {("clean", "none"): clean or ones(60)}
    answers |= {(f"jpeg:{quality}", "none"): text for quality, text in none.items()}
    for mitigation, texts in given.items():
        answers["clean", mitigation] = texts.get("clean", ones(60))
        answers |= {(f"jpeg:{quality}", mitigation): texts.get(quality, none[quality]) for quality in none}
    mitigations = ("none", *given)
    rows = rows_by_hand(answers, {"none": 0.01} | dict.fromkeys(given, 0.04))
    return make_run(folder, rows, ("jpeg:10,50,90",), n_items=N, mitigations=mitigations, **more)


def advice(folder, given, /, **more):
    return recommend(summarise_run(run_of(folder, given, **more)))


def test_a_corrector_comes_with_the_line_that_opens_it(tmp_path):
    wins = {10: ones(50), 50: ones(58)}
    run = run_of(tmp_path / "a", {'correct=my "own"/w.safetensors': wins})
    line = recommend(summarise_run(run)).python
    opened = []
    exec(line, {"unlossy": SimpleNamespace(load_corrector=opened.append)})
    assert opened == ['my "own"/w.safetensors']
    assert f"<code>{html.escape(line)}</code>" in write_report([run]).read_text("utf-8")
    narrow = Console(width=40, file=io.StringIO())
    print_study(summarise_run(run), narrow)
    assert f"    {line}\n" in narrow.file.getvalue(), "on one line, to be copied"
    both = advice(tmp_path / "b", {"correct=small+model=hf:tuned": wins})
    assert both.python == 'correct = unlossy.load_corrector("small")'
    assert advice(tmp_path / "c", {"model=hf:tuned": wins}).python is None
    assert advice(tmp_path / "d", {"correct=small": {}}).python is None


def test_what_wins_without_harm_is_recommended_with_its_cost_and_its_limits(tmp_path):
    methods = {"correct=a": {10: ones(50), 50: ones(58)}, "correct=b": {10: ones(22)}}
    found = advice(tmp_path / "run", methods, methods={"correct=a": MethodFacts(corrector_parameters=1_494_831)})
    lead, cost, none_will_do, other = found.sentences
    assert re.fullmatch(
        r"Use correct=a: at JPEG 10 it wins back 75 % \(95 %: \d\d to \d\d\) of the top-1 lost; it beats none beyond "
        r"noise at JPEG 50 and JPEG 10\.",
        lead,
    )
    assert cost == (
        "It changes no answer on 60 clean images; the correction takes 30 ms an image; the corrector has 1.49 million "
        "parameters."
    )
    assert (
        none_will_do == "None will do at JPEG 90, where no loss is beyond noise (95 %: a gain of at most 6.0 points)."
    )
    assert re.match(
        r"correct=b at JPEG 10: −46\.7 points \(95 %: .* against it, worse beyond noise at JPEG 50 and", other
    )


def test_one_wrong_answer_for_another_is_a_changed_answer(tmp_path):
    """40 of 60 clean answers go from one wrong class to another; 10 more images have an answer but no label."""
    rows = list(rows_by_hand({("jpeg:10", "none"): "0" * N, ("jpeg:10", "correct=a"): ones(18)}))
    for method, wrong in (("none", 1), ("correct=a", 2)):
        answers = [(0, 0)] * 20 + [(wrong, 1)] * 40
        rows += [row_of(n, "clean", a, clean=clean, mitigation=method) for n, (a, clean) in enumerate(answers)]
        rows += [row_of(N + n, "clean", 1, truth=None, clean=1, mitigation=method) for n in range(10)]
    run = make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=N + 10, mitigations=("none", "correct=a"))
    assert (
        recommend(summarise_run(run))
        .sentences[1]
        .startswith("It turns no answer right or wrong on 60 clean images, though it changes 57.1 % of the answers;")
    )


def test_a_score_of_the_set_that_moves_on_clean_images_is_told(tmp_path):
    """Each picture's own score stays, average precision does not: "changes no answer" would be false."""
    of_classes = summarise_run(run_of(tmp_path / "run", {"correct=a": {10: ones(50), 50: ones(58)}}))
    found = replace(of_classes, plan=replace(of_classes.plan, task="detection"))
    assert recommend(found).sentences[1].startswith("It changes no score on 60 clean images")
    cost = replace(found.methods["correct=a"], clean_difference={"top1": Interval(0.0, -0.01, 0.01)})
    told = recommend(replace(found, methods={**found.methods, "correct=a": cost})).sentences[1]
    assert re.match(r"On clean images it makes .* within noise: 0 got worse, 0 better of 60", told)
    worse = replace(found.methods["correct=a"], clean_difference={"top1": Interval(-0.02, -0.03, -0.01)})
    _, told, *others = recommend(replace(found, methods={**found.methods, "correct=a": worse})).sentences
    assert re.match(r"On clean images it makes −2\.0 points .* beyond noise: 0 got worse, 0 better of 60", told)
    assert "It harms beyond noise at clean images: use none there." in others


def test_a_model_that_has_no_name_of_its_own_keeps_its_source():
    assert (short_name("tesseract:eng"), short_name("onnx:models/a.onnx")) == ("tesseract:eng", "a")


def test_where_much_is_lost_and_nothing_won_it_says_so(tmp_path):
    found = advice(tmp_path / "run", {"correct=a": {10: ones(21), 50: ones(58)}})
    assert found.method.wins == ("jpeg:50",)
    assert re.match(
        r"Nothing beyond noise is won at JPEG 10, though the model loses there \(95 %: a gain", found.sentences[3]
    )


def test_an_interval_that_holds_zero_is_no_win(tmp_path):
    found = advice(tmp_path / "run", {"correct=a": {10: ones(20, first=8)}, "model=py:m:n": {10: ones(21)}})
    assert found.method is None
    assert found.sentences[0] == (
        "Use none: no method beats it beyond noise at JPEG 50 and JPEG 10, where this model loses top-1."
    )
    allowed, needed = re.search(r"still allow a gain of (\d+\.\d) points; (\d+) images", found.sentences[1]).groups()
    assert float(allowed) > 5
    assert int(needed) > N


def test_no_images_are_said_to_be_needed_where_there_are_enough(tmp_path):
    found = advice(tmp_path / "idle", {"correct=a": {}})
    assert found.sentences[1] == "The intervals still allow a gain of 6.0 points."
    one_broken = {10: ones(19), 50: ones(49)}
    found = advice(tmp_path / "one", {"correct=a": one_broken})
    assert re.fullmatch(r"The intervals still allow a gain of 0\.0 points\.", found.sentences[1])


def test_where_nothing_is_lost_none_is_used(tmp_path):
    whole = dict.fromkeys((10, 50, 90), ones(60))
    assert advice(tmp_path / "run", {"correct=a": {}}, none=whole).sentences == (
        "Use none: at no setting does this model lose top-1 beyond noise, so there is nothing to win.",
        "The intervals still allow a loss of 6.0 points.",
    )


def test_too_few_images_to_see_a_loss_say_how_many_would_do(tmp_path):
    lost = {10: ones(57), 50: ones(60), 90: ones(60)}
    found = advice(tmp_path / "run", {"correct=a": {}}, none=lost)
    assert found.method is None
    allowed, needed = re.search(r"still allow a loss of (\d+\.\d) points; (\d+) images", found.sentences[1]).groups()
    assert float(allowed) > 5
    assert int(needed) > 60


def test_of_methods_that_nothing_tells_apart_the_harmless_one_is_taken(tmp_path):
    harming = {10: ones(51), 50: ones(58), "clean": ones(48)}
    harmless = {10: ones(50), 50: ones(58)}
    found = advice(tmp_path / "run", {"model=py:m:n": harming, "correct=a": harmless})
    assert (found.method.mitigation, found.method.harms) == ("correct=a", ())
    assert "no setting tells them apart" in found.sentences[-1]
    assert found.sentences[-1].endswith("it harms at clean images.")


def test_of_equally_harmless_ones_that_nothing_tells_apart_the_one_that_breaks_least_is_taken(tmp_path):
    breaking = {10: ones(51), 50: ones(58), "clean": ones(59)}
    found = advice(tmp_path / "run", {"model=py:m:n": breaking, "correct=a": {10: ones(50), 50: ones(58)}})
    assert (found.method.mitigation, found.method.n_broken) == ("correct=a", 0)


def test_what_wins_clearly_more_is_taken_and_its_harm_told(tmp_path):
    harming = {10: ones(58), 90: ones(50), "clean": ones(50)}
    found = advice(tmp_path / "run", {"model=py:m:n": harming, "correct=a": {10: ones(35)}})
    assert (found.method.mitigation, found.method.harms) == ("model=py:m:n", ("clean", "jpeg:90"))
    told = " ".join(found.sentences)
    assert "On clean images it makes −16.7 points" in told
    assert "beyond noise: 10 became wrong, 0 right of 60" in told
    assert "It harms beyond noise at clean images and JPEG 90: use none there." in told


def test_a_method_that_fails_leaves_the_others_compared(tmp_path):
    """Pairs are over what both have: the third method's errors are no reason to take the worse of the first two."""
    none, failed = {10: ones(10), 50: ones(50), 90: ones(60)}, dict.fromkeys((10, 50, 90, "clean"), " " * N)
    methods = {"correct=small": {10: ones(16)}, "correct=big": {10: ones(55), "clean": ones(59)}, "correct=c": failed}
    found = advice(tmp_path / "run", methods, none=none)
    assert found.method.mitigation == "correct=big"
    small, third = found.sentences[-2:]
    assert small.startswith("correct=small at JPEG 10: −65.0 points (95 %: −7")
    assert third == ("correct=c: not compared with it at JPEG 50 and JPEG 10, where no image is scored with both.")


def test_of_methods_without_an_image_in_common_the_larger_gain_is_taken(tmp_path):
    """Each fails on the other's half: nothing compares them, so fewer harms on clean images must not decide."""
    half = N // 2
    none = {10: "0" * N, 50: ones(60), 90: ones(60)}
    little, much = "1" * 15 + "0" * 15 + " " * half, " " * half + "1" * 28 + "00"
    methods = {"correct=little": {10: little}, "correct=much": {10: much, "clean": ones(40)}}
    found = advice(tmp_path / "run", methods, none=none)
    assert (found.method.mitigation, found.method.harms) == ("correct=much", ("clean",))
    assert found.sentences[-1] == (
        "correct=little: not compared with it at JPEG 10, where no image is scored with both."
    )


def test_a_setting_without_a_score_counts_as_no_gain(tmp_path):
    """60 points won at one of two losing settings, and errors at the other, are 30 points on the mean."""
    none = {10: ones(10), 50: ones(20), 90: ones(60)}
    methods = {"correct=half": {10: ones(46), 50: " " * N}, "correct=both": {10: ones(43), 50: ones(53)}}
    assert advice(tmp_path / "run", methods, none=none).method.mitigation == "correct=both"


def test_a_win_where_nothing_is_lost_is_no_reason_to_take_what_harms_where_much_is(tmp_path):
    """At JPEG 90 the loss of 3 is within noise, and winning them and 5 more says nothing of the 24 lost at JPEG 10."""
    none = {10: ones(28), 50: ones(52), 90: ones(49)}
    clean = ones(52)
    methods = {"correct=a": {10: ones(20), 90: ones(57), "clean": clean}}
    found = advice(tmp_path / "run", methods, none=none, clean=clean)
    assert found.method is None
    assert found.sentences[0] == ("Use none: no method beats it beyond noise at JPEG 10, where this model loses top-1.")


def test_what_loses_more_on_the_mean_than_it_wins_is_not_recommended(tmp_path):
    found = advice(tmp_path / "run", {"correct=a": {10: ones(2), 50: ones(58)}})
    assert found.method is None
    assert found.sentences == (
        "Use none: no method gains on the mean at JPEG 50 and JPEG 10, where this model loses top-1.",
        "correct=a wins at JPEG 50 alone; its mean gain is −8.3 points.",
    )


def test_a_mean_gain_within_noise_is_told_with_what_it_may_be(tmp_path):
    at_random = "0" * 12 + "1" * 20 + "0" * 28  # twelve of the twenty right ones broken, twelve others mended
    found = advice(tmp_path / "run", {"correct=a": {10: at_random, 50: ones(58)}})
    assert found.method is None
    lead, told = found.sentences
    assert (
        lead
        == "Use none: no method gains beyond noise on the mean at JPEG 50 and JPEG 10, where this model loses top-1."
    )
    assert re.fullmatch(
        r"correct=a wins at JPEG 50 alone; its mean gain is \+6\.7 points \(95 %: −\d\.\d to \+1\d\.\d\)\.", told
    )


def few(folder, n, won):
    """A run of n images, all lost at JPEG 10 and so many won back."""
    texts = {("jpeg:10", "none"): "0" * n, ("jpeg:10", "correct=a"): "1" * won + "0" * (n - won)}
    answers = {("clean", method): "1" * n for method in ("none", "correct=a")} | texts
    return summarise_run(
        make_run(folder, rows_by_hand(answers), ("jpeg:10",), n_items=n, mitigations=("none", "correct=a"))
    )


def test_under_20_images_no_method_is_recommended(tmp_path):
    result = few(tmp_path / "19", 19, 19)
    assert recommend(result) is None
    (caveat,) = caveats(result)
    assert caveat == (
        "With fewer than 20 images (here 19) intervals tell little of other images, and no method is recommended."
    )
    enough = few(tmp_path / "20", 20, 20)
    assert caveats(enough) == []
    assert (
        recommend(enough)
        .sentences[0]
        .startswith("Use correct=a: at JPEG 10 it wins back 100 % (95 %: 83 to 117) of the top-1 lost")
    )


def test_a_method_scored_on_few_of_many_images_does_not_win(tmp_path):
    few_scored = {10: " " * (N - 8) + "1" * 8}
    found = advice(tmp_path / "run", {"correct=a": few_scored}, none={10: "0" * N, 50: ones(60), 90: ones(60)})
    assert found.method is None
    assert found.sentences[-1] == "correct=a gains at JPEG 10 on fewer than 20 images, too few to tell."


def test_methods_that_answer_alike_are_not_told_to_be_the_same_for_certain(tmp_path):
    given = {10: ones(50), 50: ones(58)}
    found = advice(tmp_path / "run", {"correct=a": given, "correct=b": given})
    assert found.sentences[-1] == (
        "correct=b at JPEG 10: 0.0 points (95 %: −6.0 to +6.0) against it; no setting tells them apart."
    )


def test_without_none_or_methods_there_is_nothing_to_recommend(tmp_path):
    assert advice(tmp_path / "alone", {}) is None
    rows = rows_by_hand(
        {("clean", "none"): ones(60), ("clean", "correct=a"): ones(60), ("jpeg:10", "correct=a"): ones(9)}
    )
    run = make_run(tmp_path / "run", rows, ("jpeg:10",), n_items=N, mitigations=("correct=a",))
    assert recommend(summarise_run(run)) is None


def test_settings_in_words(tmp_path):
    result = summarise_run(run_of(tmp_path / "run", {"correct=a": {}}))
    assert spans(result, ["jpeg:10"]) == "JPEG 10"
    assert spans(result, ["jpeg:10", "jpeg:90"]) == "JPEG 90 and JPEG 10"
    assert spans(result, ["jpeg:10", "jpeg:50", "jpeg:90"]) == "JPEG 90 down to JPEG 10"
    assert spans(result, ["clean", "jpeg:50"]) == "clean images and JPEG 50"


def test_the_page_leads_with_it_and_has_the_methods_tables(tmp_path):
    aimed = "correct=runs/a.safetensors"
    facts = {"none": MethodFacts(model_s=0.0042), aimed: MethodFacts(1_494_831, 3_504_872, model_s=0.012)}
    run = run_of(tmp_path / "run", {aimed: {10: ones(50), 50: ones(58)}}, methods=facts)
    text = write_report([run]).read_text("utf-8")
    (lead,) = re.findall(r'<p class="verdict">([^<]*)</p>', text)
    assert lead.startswith("Use correct=a: at JPEG 10 it wins back 75")
    assert text.index("At JPEG 50 this model loses") > text.index(lead)
    section = text[text.index('<section id="methods"') : text.index('<section id="curves"')]
    rows = {
        name: re.findall(r"<td[^>]*>([^<]*)<", cells)
        for name, cells in re.findall(r"<tr><th[^>]*>([^<]*)</th>(.*?)</tr>", section)
    }
    assert rows["none"][0] == "0.0 [0.0, 0.0]"
    assert rows["correct=a"][1] == "0 / 0"
    assert rows["correct=a"][4:6] == ["30 + 12", "1.49 M + 3.5 M"]
    assert rows["none"][4:6] == ["4.2", "?"]
    assert rows["JPEG 10"][:2] == ["correct=a", "none"]
    assert rows["JPEG 10"][2].startswith("+50.0 [")
    # two lines of points in each chart: gains at 10, 50 and 90, shares where the loss is beyond noise
    assert [len(re.findall("<circle", figure)) for figure in section.split("<figure>")[1:]] == [3, 2]


def test_a_study_of_none_alone_has_no_methods(tmp_path):
    (loaded,) = load_runs([run_of(tmp_path / "run", {})])
    assert methods_section(loaded, 0) is None
    assert transfer_section([loaded]) is None


def test_shares_in_words():
    from unlossy.metrics.recovered import Share

    assert share_text(Share(0.684, 0.55, None)) == "68 [55, ∞]"
    assert share_text(Share(-0.05, None, 0.2)) == "−5 [−∞, 20]"
    assert share_text(None) == ""
