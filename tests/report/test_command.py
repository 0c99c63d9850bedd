import shlex

from unlossy.report.command import codec_specs, study_command
from unlossy.study import StudyPlan


def test_the_command_gives_the_same_plan():
    plan = StudyPlan(
        model="hf:my models/net",
        data="it's; rm -rf $HOME",
        codecs=("jpeg:10..30:10", "jpeg[444]:50", "jpeg:30+jpeg:75", "webp:20,50"),
        limit=7,
        seed=3,
        compress_at="input",
    )
    words = shlex.split(study_command(plan, "runs/a b"))
    assert words[:2] == ["unlossy", "study"]
    pairs = list(zip(words[2::2], words[3::2], strict=True))
    assert dict(pairs)["-o"] == "runs/a b"
    single = {name: value for name, value in pairs if name not in ("--codec", "-o")}
    assert single == {
        "--model": plan.model,
        "--data": plan.data,
        "--limit": "7",
        "--seed": "3",
        "--compress-at": "input",
    }
    specs = tuple(value for name, value in pairs if name == "--codec")
    assert StudyPlan(model="m", data="d", codecs=specs).codecs == plan.codecs
    assert len(specs) == 4


def test_chains_are_never_folded_together():
    settings = ("jpeg:30+jpeg:75", "jpeg:30+jpeg:80", "jpeg:30", "jpeg:40")
    assert codec_specs(settings) == ["jpeg:30+jpeg:75", "jpeg:30+jpeg:80", "jpeg:30,40"]
