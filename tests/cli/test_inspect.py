"""`unlossy inspect`, run as the shell runs it."""

import io
import json
import os
import re
import tarfile

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from tests.jpeg.streams import YCC_420, dqt, encoded, segment, sof, stream
from unlossy.cli.inspect import inspect
from unlossy.core.errors import UsageError


@pytest.fixture
def invoke(monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    app = typer.Typer()
    app.command("inspect")(inspect)
    app.callback()(lambda: None)  # an application of one command would take no command's name
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines_of(result) -> dict[str, str]:
    """The facts by name, as printed before the tables."""
    split = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in result.stdout.split("\n\n")[0].splitlines())
    return {fact[0]: fact[-1] for fact in split}


def test_a_jpeg_is_named_graded_and_mapped(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(encoded(quality=75, comment="holiday", restart_marker_blocks=1) + b"\0" * 9)
    result = invoke("inspect", file)
    facts = lines_of(result)
    assert result.exit_code == 0
    assert facts["IJG quality"] == "luma 75, chroma 75 (exact)"
    assert facts["encoder"].startswith("libjpeg (quality 75), 95% sure: ")
    assert (facts["scans"], facts["trailing"]) == ("1", "9 bytes behind the end marker")
    assert "luminance 75" in result.stdout
    printed = result.stdout.split("offset")[1]
    for words in ("FFD8", "JFIF 1.01", "holiday", "those of Annex K", "every 1 MCUs", "zeros", "bytes behind the end"):
        assert words in printed, words


def test_the_json_has_the_same(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    data = encoded(quality=75, progressive=True)
    file.write_bytes(data)
    got = json.loads(invoke("inspect", file, "--json").stdout)
    assert (got["encoder"], got["encoder_confidence"]) == ("libjpeg (quality 75)", 0.95)
    assert "libjpeg's order" in got["encoder_why"]
    assert [got["markers"][0][name] for name in ("offset", "code", "name", "size_bytes")] == [0, "FFD8", "SOI", 2]
    assert sum(part["size_bytes"] for part in got["markers"]) == len(data)
    assert sum(part["name"] == "SOS" for part in got["markers"]) == 10  # libjpeg's script for YCbCr
    assert got["remarks"] == []


def test_custom_tables_are_shown_and_named_honestly(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    table = np.random.default_rng(1).integers(1, 255, (8, 8))
    file.write_bytes(stream(dqt(0, table), dqt(1, table), sof(16, 16, YCC_420)))
    result = invoke("inspect", file)
    facts = lines_of(result)
    assert facts["encoder"].startswith("unknown: ")
    assert facts["IJG quality"].startswith("luma none that fits, chroma none that fits (not IJG tables")
    assert "no IJG table" in result.stdout


@pytest.mark.parametrize(
    ("kind", "options", "facts"),
    [
        ("WEBP", {"lossless": True}, {"coding": "lossless", "precision": "8 bits a sample", "sampling": "4:4:4"}),
        ("WEBP", {"quality": 50}, {"coding": "lossy", "precision": "8 bits a sample", "sampling": "4:2:0"}),
        ("JPEG2000", {}, {"remarks": "reversible wavelet (5/3): lossless unless data were cut off"}),
        ("PNG", {}, {"coding": "lossless", "precision": "8 bits a sample"}),
    ],
)
def test_other_formats_say_what_their_header_says_and_no_jpeg_numbers(invoke, tmp_path, kind, options, facts):
    file = tmp_path / "x"
    Image.new("RGB", (30, 20), "red").save(file, kind, **options)
    got = lines_of(invoke("inspect", file))
    assert facts.items() <= got.items()
    assert not {"IJG quality", "encoder", "process"} & got.keys()
    data = json.loads(invoke("inspect", file, "--json").stdout)
    assert (data["ijg_quality_luma"], data["encoder"], data["markers"], data["encoder_why"]) == (None, None, [], None)


def test_a_folder_and_a_container_name_the_command_for_them(invoke, tmp_path):
    tar = tmp_path / "shard"  # no suffix: known by its bytes
    with tarfile.open(tar, "w") as archive:
        member = tarfile.TarInfo("a.jpg")
        data = encoded()
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    for path in (tmp_path, tar):
        refusal = invoke("inspect", path).exception
        assert isinstance(refusal, UsageError)
        assert f"`unlossy audit {path}`" in str(refusal)


def test_a_path_that_cannot_be_looked_at_is_refused(invoke, tmp_path, monkeypatch):
    assert "File name too long" in str(invoke("inspect", tmp_path / ("n" * 300)).exception)
    real = os.stat

    def closed(path, *arguments, **options):
        if str(path).endswith("closed.jpg"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", closed)
    refusal = invoke("inspect", tmp_path / "closed.jpg").exception
    assert isinstance(refusal, UsageError)
    assert "Permission denied" in str(refusal)


def test_a_damaged_jpeg_is_mapped_as_far_as_it_goes(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(b"\xff\xd8" + segment(0xDB, b"\0\1\2") + b"garbage" + b"\xff\xc0\xff\xff\x08")
    result = invoke("inspect", file)
    assert result.exit_code == 3
    assert "malformed: quantization table 0 ends" in result.stdout
    assert "no marker" in result.stdout
    assert "says a length of 65535 where" in result.stdout
