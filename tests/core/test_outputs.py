"""Where results go: what is refused before work, and what a write leaves behind."""

import os
import stat

import pytest

from unlossy.core.errors import UsageError
from unlossy.core.outputs import check_apart, check_place, replacing
from unlossy.core.paths import is_file, is_folder, status_of

LONG = "x" * 300


def never(path):
    return False


def test_a_place_that_can_be_written_passes(tmp_path):
    (tmp_path / "old").write_text("older")
    for name in ("new", "old"):
        check_place(tmp_path / name, "a file")
    check_place(tmp_path / "a" / "b" / "new", "a file", makes_folders=True)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("", "is a folder; give the name of a page in it"),
        ("none/new", "there is no folder"),
        ("file/new", "is a file, not a folder"),
        ("pipe", "is a device or a pipe"),
        ("loop", "cannot look at"),
        (LONG, "File name too long"),
        (f"{LONG}/new", "File name too long"),
    ],
)
def test_a_place_that_cannot_is_refused_with_a_reason(tmp_path, name, finding):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=finding):
        check_place(tmp_path / name, "a page")


def test_missing_folders_are_made_only_in_folders(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        check_place(tmp_path / "file" / "a" / "new", "a file", makes_folders=True)


@pytest.mark.parametrize("ask", [status_of, is_file, is_folder, lambda path: check_place(path, "a file")])
def test_a_folder_that_may_not_be_entered_is_a_usage_error(tmp_path, monkeypatch, ask):
    real = os.stat

    def closed(path, *arguments, **options):
        if "closed" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", closed)
    with pytest.raises(UsageError, match=r"cannot look at .*closed.*Permission denied"):
        ask(tmp_path / "closed" / "d" / "new")


def test_kinds_are_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert (is_file(tmp_path / "file"), is_folder(tmp_path), is_file(tmp_path)) == (True, True, False)
    assert status_of(tmp_path / "none") is status_of(tmp_path / "file" / "below") is None


def test_results_stay_apart_from_each_other_and_from_what_is_read(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for file in (folder / "a.jpg", tmp_path / "other"):
        file.write_text("x")
    (tmp_path / "link").symlink_to(folder / "a.jpg")
    check_apart([folder / "new", tmp_path / "other"], [folder, "not there"], never)
    check_apart([folder / "a.jpg"], [folder], lambda path: True)
    for outputs, inputs in (
        ([folder / "new", folder / ".." / "in" / "new"], []),
        ([tmp_path / "link", folder / "a.jpg"], []),
    ):
        with pytest.raises(UsageError, match="two results at once"):
            check_apart(outputs, inputs, never)
    for output in (folder / "a.jpg", tmp_path / "link"):
        with pytest.raises(UsageError, match="would be overwritten"):
            check_apart([output], [folder / "a.jpg"], lambda path: True)
        with pytest.raises(UsageError, match="no earlier result"):
            check_apart([output], [folder], never)


def interrupted(path):
    with replacing(path) as file:
        file.write(b"two")
        raise KeyboardInterrupt


def test_a_file_is_there_once_it_is_whole(tmp_path):
    path = tmp_path / ("n" * 250)  # a temporary name longer than that would be refused by the system
    with replacing(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"one"


def test_a_link_stays_and_what_it_names_is_written(tmp_path):
    (tmp_path / "real").write_text("older")
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"), replacing(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo()
