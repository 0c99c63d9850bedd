"""A RUN goes on with the pictures that it was begun with, wherever they lie now, and with no others."""

import io
import json
import os
import shutil
import tarfile
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from tests.study.conftest import texture
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import ReadError, UsageError
from unlossy.core.types import Blob, Item
from unlossy.datasets.remote import RemoteBlob
from unlossy.store import RowStore
from unlossy.study import StudyPlan, run_study
from unlossy.study.contents import N_SAMPLES, SAMPLE_BYTES, refuse_resized, samples_of


def study(tmp_path, model, data="photos"):
    return run_study(StudyPlan(model=model, data=str(data), codecs=("jpeg:30",)), tmp_path / "run")


@pytest.mark.parametrize("ending", ["png", "ppm"])
def test_pictures_overwritten_with_black_are_refused(tmp_path, photos, model, ending):
    """As PPM they have the size that they had."""
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for number in range(4):
        Image.fromarray(texture(number)).save(scenes / f"{number}.{ending}")
    study(tmp_path, model, scenes)
    made_by = (tmp_path / "run" / "made_by.json").read_text()
    for path in scenes.iterdir():
        Image.new("RGB", (40, 40)).save(path)
    with pytest.raises(
        UsageError, match=rf"begun with other things \(0.{ending} is another.*not the only.* another -o"
    ):
        study(tmp_path, model, scenes)
    assert (tmp_path / "run" / "made_by.json").read_text() == made_by


def test_of_many_pictures_one_of_another_size_is_refused(tmp_path, photos, model):
    study(tmp_path, model)
    victim = photos / "class_0" / "04.png"
    size_bytes = victim.stat().st_size
    Image.new("RGB", (40, 40)).save(victim)
    said = rf"run' was begun with other pictures \(class_0/04.png had {size_bytes} bytes, has {victim.stat().st_size}\)"
    with pytest.raises(UsageError, match=said):
        study(tmp_path, model)


def test_a_copied_folder_goes_on(tmp_path, photos, model):
    first = study(tmp_path, model)
    shutil.copytree(photos, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(photos)
    (tmp_path / "copy").rename(photos)
    for path in photos.rglob("*.png"):
        os.utime(path, (0, 0))
    assert study(tmp_path, model) == first


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_members_of_an_archive_are_looked_at(tmp_path, model, kind):
    def pack(seeds):
        files = {}
        for number, seed in enumerate(seeds):
            stream = io.BytesIO()
            Image.fromarray(texture(seed)).save(stream, "PPM")
            files[f"{number}.ppm"] = stream.getvalue()
        if kind == "zip":
            with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            return
        with tarfile.open(tmp_path / "photos.tar", "w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))

    pack(range(4))
    study(tmp_path, model, f"photos.{kind}")
    pack(range(4))
    study(tmp_path, model, f"photos.{kind}")
    pack(range(4, 8))
    with pytest.raises(UsageError, match="is another picture"):
        study(tmp_path, model, f"photos.{kind}")


def test_a_run_without_samples_goes_on_and_its_sizes_are_looked_at(tmp_path, photos, model):
    """As runs were once begun; what the pictures are now does not become what they were."""
    first = study(tmp_path, model)
    path = tmp_path / "run" / "made_by.json"
    made_by = json.loads(path.read_text())
    assert len(made_by.pop("samples")) == N_SAMPLES
    path.write_text(json.dumps(made_by))
    assert study(tmp_path, model) == first
    assert json.loads(path.read_text()).get("samples", {}) == {}
    Image.new("RGB", (40, 40)).save(photos / "class_0" / "00.png")
    with pytest.raises(UsageError, match="begun with other pictures"):
        study(tmp_path, model)


def test_provenance_holds_no_samples(tmp_path, photos, model):
    """They decide no row: an older run that goes on has one provenance."""
    study(tmp_path, model)
    with RowStore(tmp_path / "run" / "rows.sqlite", read_only=True) as store:
        (made_by,) = store.provenances()
    assert "samples" not in made_by


@dataclass(frozen=True, slots=True)
class Claiming(Blob):
    """Says that it has `size_bytes`, and has less."""

    data: bytes
    size_bytes: int = 0

    def read(self, offset, size):
        return self.data[offset : offset + size]

    def all(self):
        return self.data


@dataclass(frozen=True, slots=True)
class Unreadable(Claiming):
    def read(self, offset, size):
        raise ReadError("the disk is gone")

    def all(self):
        raise ReadError("the disk is gone")


class NoNetwork:
    def __getattr__(self, name):
        raise AssertionError(f"asked for {name}")


def test_sizes_are_believed_when_equal_and_read_when_not(tmp_path):
    refuse_resized(tmp_path, [Item("a", Claiming(b"12345", 5))], {0: 5})
    refuse_resized(tmp_path, [Item("a", Claiming(b"12345", 9))], {0: 5})
    with pytest.raises(UsageError, match="a had 4 bytes, has 5"):
        refuse_resized(tmp_path, [Item("a", Claiming(b"12345", 9))], {0: 4})


def test_what_cannot_be_read_or_is_far_away_passes(tmp_path):
    items = [Item("a", Unreadable(b"", 9)), Item("b", RemoteBlob(NoNetwork(), "b")), Item("c", BytesBlob(b"new"))]
    refuse_resized(tmp_path, items, {0: 5, 1: 5})
    assert list(samples_of(items)) == ["c"]


def test_samples_are_few_spread_and_short():
    data = np.random.default_rng(0).bytes(SAMPLE_BYTES + 1)
    items = [Item(f"{number:03d}", BytesBlob(data[:number])) for number in range(100)]
    keys = list(samples_of(items))
    assert len(keys) == N_SAMPLES
    assert keys[0] == "000"
    assert keys[-1] > "090"
    assert samples_of([Item("a", BytesBlob(data))]) == samples_of([Item("a", BytesBlob(data[:-1]))])
    assert samples_of([]) == {}
