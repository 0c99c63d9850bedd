import pytest

from unlossy.core.errors import UsageError
from unlossy.runs.mitigations import Parts, in_order, parts_of, short_names
from unlossy.study import StudyPlan


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("none", Parts()),
        ("correct=small", Parts("small")),
        ("correct=dncnn3@a/b.pth", Parts("dncnn3@a/b.pth")),
        ("model=hf:../tuned", Parts("", "hf:../tuned")),
        ("model=py:models:tuned", Parts("", "py:models:tuned")),
        ("correct=a/w.onnx+model=timm:resnet18@b.safetensors", Parts("a/w.onnx", "timm:resnet18@b.safetensors")),
        ("correct=a+b.safetensors", Parts("a+b.safetensors")),
    ],
)  # fmt: skip
def test_the_parts_of_a_mitigation(text, parts):
    assert parts_of(text) == parts


def test_the_corrector_comes_first():
    with pytest.raises(UsageError, match=r"write correct=small\+model=hf:tuned"):
        in_order(["none", "model=hf:tuned+correct=small"])


def test_plans_without_another_model_kept_their_hash():
    plan = StudyPlan(model="m", data="d", codecs=("jpeg:30",), mitigations=("none", "correct=small"))
    assert plan.hash == "3d60e105631b942c46f56919e6acaaa1b93731f40e89d6df54d4309d218110f7"


def test_files_are_called_by_their_last_names_until_they_differ():
    given = (
        "none",
        "correct=small",
        "correct=/runs/a/weights.safetensors",
        "correct=/runs/b/weights.safetensors",
        "model=hf:../runs/tuned/model/",
        "correct=/runs/a/weights.safetensors+model=torchvision:resnet50@../models/w.safetensors",
    )
    assert list(short_names(given).values()) == [
        "none",
        "correct=small",
        "correct=a",
        "correct=b",
        "model=hf:tuned",
        "correct=a+model=torchvision:resnet50@w",
    ]
    assert list(short_names(("correct=small", "correct=new/small/weights.onnx", "correct=weights")).values()) == [
        "correct=small",
        "correct=new/small",
        "correct=weights",
    ]
    assert list(short_names(("correct=runs/small/weights.safetensors", "correct=base.safetensors")).values()) == [
        "correct=runs/small",
        "correct=base.safetensors",
    ], "a file is not called as a corrector that ships"
    assert short_names(("correct=flips:runs/base/weights.onnx",)) == {
        "correct=flips:runs/base/weights.onnx": "correct=flips:runs/base"
    }
    assert list(short_names(("correct=base/weights.safetensors+model=hf:m/small",)).values()) == [
        "correct=base/weights.safetensors+model=hf:small"
    ]
    far = ("correct=/a/1/2/3/w.onnx", "correct=/b/1/2/3/w.onnx")
    assert short_names(far) == dict(zip(far, far, strict=True)), "what three folders do not tell apart stays whole"
