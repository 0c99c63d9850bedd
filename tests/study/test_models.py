"""Another model in the place of the study's own: the same pictures, its own preprocessing, its own cells."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.study.test_mitigate import BLUR, Blur, blurred, plan_of, rows_of
from unlossy.core.errors import UsageError
from unlossy.correctors.nets.weights_file import load_weights, save_weights
from unlossy.correctors.weights_place import shipped_weights
from unlossy.runs import read_made_by
from unlossy.runs.methods import Aim, MethodFacts, read_methods
from unlossy.study import StudyPlan, run_study
from unlossy.study.methods import corrector_facts
from unlossy.study.run import chunk_of

OTHER = "model=py:quadrants:turned"
BOTH = "correct=blur+model=py:quadrants:turned"


@pytest.fixture(autouse=True)
def blur(monkeypatch):
    corrector = Blur()
    monkeypatch.setattr("unlossy.study.mitigation.open_corrector", lambda spec, choices: corrector)
    return corrector


def test_the_numbers_are_those_of_a_loop_written_by_hand(tmp_path, photos, model):
    result = run_study(plan_of(model, photos, ("jpeg:5",), ("none", OTHER, BOTH)), tmp_path / "run")
    from quadrants import classify, turned

    def answers(network, repair, **options):
        found = []
        for path in sorted(photos.rglob("*.png")):
            buffer = io.BytesIO()
            Image.open(path).save(buffer, "JPEG" if options else "PNG", **options)
            image = np.asarray(Image.open(buffer).convert("RGB"))
            found.append(int(network([blurred(image) if repair else image]).argmax()))
        return np.array(found)

    truth = np.array([int(path.parent.name[-1]) for path in sorted(photos.rglob("*.png"))])
    own = answers(classify, False)
    assert result.clean["top1"] == (own == truth).mean()
    assert not np.array_equal(own, answers(turned, False)), "the models differ, or this shows nothing"
    for text, repair in ((OTHER, False), (BOTH, True)):
        assert result.clean_mitigated[text]["top1"] == (answers(turned, repair) == truth).mean()
        (cell,) = (cell for cell in result.cells if cell.mitigation == text)
        expected = answers(turned, repair, quality=5)
        assert cell.metrics["top1"] == (expected == truth).mean()
        assert cell.metrics["agreement"] == (expected == own).mean(), "with the own model's clean answer"


def test_the_own_rows_are_those_of_a_study_without_another_model(tmp_path, photos, model):
    run_study(plan_of(model, photos, mitigations=("none", BLUR)), tmp_path / "without")
    run_study(plan_of(model, photos, mitigations=("none", BLUR, OTHER)), tmp_path / "with")
    ours = [replace(row, provenance="") for row in rows_of(tmp_path / "with") if row.mitigation != OTHER]
    assert ours == [replace(row, provenance="") for row in rows_of(tmp_path / "without")]


def test_without_none_the_clean_cell_is_the_own_models(tmp_path, photos, model):
    result = run_study(plan_of(model, photos, mitigations=(OTHER,), limit=8), tmp_path / "run")
    assert result.clean["agreement"] == 1
    cells = {(row.codec, row.mitigation) for row in rows_of(tmp_path / "run")}
    assert cells == {("clean", "none"), ("clean", OTHER), ("jpeg:5", OTHER), ("jpeg:30", OTHER)}


def test_models_of_other_classes_are_refused_before_work(tmp_path, photos, model):
    named = "py:quadrants:named"
    with pytest.raises(UsageError, match="of_three answers in 3 classes, py:quadrants:named in 4"):
        run_study(plan_of(named, photos, mitigations=("none", "model=py:quadrants:of_three")), tmp_path / "run")
    with pytest.raises(UsageError, match="class 1 is 'upper right' to py:quadrants:named and 'lower left' to"):
        run_study(plan_of(named, photos, mitigations=("model=py:quadrants:named_otherwise",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    same = plan_of(named, photos, mitigations=("none", "model=py:quadrants:named_shorter"), limit=2)
    assert run_study(same, tmp_path / "run").failed == 0


def test_provenance_has_the_models_digest_and_another_one_is_refused(tmp_path, photos, model):
    plan = plan_of(model, photos, mitigations=("none", BOTH), limit=4)
    run_study(plan, tmp_path / "run")
    (entry,) = read_made_by(tmp_path / "run")["mitigations"].values()
    assert entry == {"corrector": "blur", "digest": "b" * 64, "model": "py:quadrants:turned"} | {
        "model_digest": entry["model_digest"]
    }
    import quadrants

    quadrants.turned.digest = "changed"
    with pytest.raises(UsageError, match=r"begun with other things .*mitigations was"):
        run_study(plan, tmp_path / "run")


def test_at_the_input_size_each_model_has_its_own(tmp_path, photos, model):
    """The demo's model wants 128 px, the callable takes what there is: what was compressed differs in size."""
    mitigations = ("none", "model=py:quadrants:of_sixteen")
    plan = StudyPlan(
        model="onnx:demo",
        data="synthetic:3,size=200",
        codecs=("jpeg:30",),
        mitigations=mitigations,
        compress_at="input",
    )
    assert run_study(plan, tmp_path / "run").failed == 0
    sizes = {row.mitigation: (row.width, row.height) for row in rows_of(tmp_path / "run") if row.codec == "jpeg:30"}
    assert sizes == {"none": (128, 128), mitigations[1]: (200, 200)}


def test_chunks_shrink_where_cells_are_many(photos, model):
    assert chunk_of(plan_of(model, photos, ("jpeg:1..100:1",), ("none",))) == 16, "as it ever was"
    four = ("none", BLUR, OTHER, BOTH)
    assert chunk_of(plan_of(model, photos, ("jpeg:10..90:10",), four)) == 9
    assert chunk_of(plan_of(model, photos, ("jpeg:1..100:1",), four)) == 1


def test_stopped_in_small_chunks_it_goes_on_to_equal_rows(tmp_path, photos, model, monkeypatch):
    monkeypatch.setattr("unlossy.study.run.MAX_VIEWS", 24)  # two items of twelve cells
    plan = plan_of(model, photos, ("jpeg:5,30",), ("none", BLUR, OTHER, BOTH), limit=6)
    run_study(plan, tmp_path / "undisturbed")

    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done >= 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_study(plan, tmp_path / "run", on_progress=stop)
    assert len(rows_of(tmp_path / "run")) == 4 * 12
    run_study(plan, tmp_path / "run")
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "undisturbed")


def test_the_facts_of_methods_are_kept(tmp_path, photos, model):
    plan = plan_of(model, photos, mitigations=("none", OTHER), limit=4)
    result = run_study(plan, tmp_path / "run")
    facts = read_methods(tmp_path / "run")
    assert set(facts) == {"none", OTHER}
    assert all(known.model_s > 0 for known in facts.values())
    assert result.methods[OTHER].facts == facts[OTHER]
    run_study(plan, tmp_path / "run")  # nothing to do: nothing was timed
    assert read_methods(tmp_path / "run") == facts
    run_study(plan_of(model, photos, mitigations=("none",), limit=4), tmp_path / "alone")
    assert not (tmp_path / "alone" / "methods.json").exists()
    (tmp_path / "run" / "methods.json").write_text("[1]")
    with pytest.raises(UsageError, match="remove it and run the study again"):
        read_methods(tmp_path / "run")


def test_a_corrector_tells_its_size_and_aim(tmp_path):
    tensors, stated = load_weights(shipped_weights("small"))
    assert corrector_facts("small") == MethodFacts(sum(tensor.numel() for tensor in tensors.values()))
    aims = [{"model": "hf:mine", "digest": "d" * 64}]
    save_weights(tmp_path / "a.safetensors", tensors, stated | {"aimed_at": json.dumps(aims)})
    assert corrector_facts(str(tmp_path / "a.safetensors")).aimed_at == (Aim("hf:mine", "d" * 64),)
    (tmp_path / "b.safetensors").write_bytes(b"not weights")
    for spec in ("", "quantsmooth", str(tmp_path / "b.safetensors"), str(tmp_path / "none.safetensors")):
        assert corrector_facts(spec) == MethodFacts()
