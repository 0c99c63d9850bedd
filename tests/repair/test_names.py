from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from unlossy.repair.names import FORMATS, corrected_names


def test_names_that_people_would_expect():
    paths = ["cat/1.jpg", "cat/2.png", "cat/3.JPG", "no suffix", "dots.in.name.jpeg", ".hidden"]
    assert corrected_names(paths, "png") == {
        "cat/1.jpg": "cat/1.png",
        "cat/2.png": "cat/2.png",
        "cat/3.JPG": "cat/3.png",
        "no suffix": "no suffix.png",
        "dots.in.name.jpeg": "dots.in.name.png",
        ".hidden": ".hidden.png",
    }


def test_a_suffix_of_the_format_stays_as_it_is_spelt():
    assert corrected_names(["a.JPEG", "b.jfif", "c.png"], "jpeg") == {
        "a.JPEG": "a.JPEG",
        "b.jfif": "b.jfif",
        "c.png": "c.jpg",
    }


def test_two_files_that_would_become_one_keep_their_suffixes():
    assert corrected_names(["a.jpg", "a.png", "a.webp"], "png") == {
        "a.jpg": "a.jpg.png",
        "a.png": "a.png",
        "a.webp": "a.webp.png",
    }
    assert corrected_names(["b.jpg", "B.JPEG"], "png") == {"b.jpg": "b.jpg.png", "B.JPEG": "B.JPEG.png"}


def test_a_kept_suffix_makes_way_for_a_file_that_has_that_name():
    names = corrected_names(["a.jpg", "a.png", "a.jpg.png"], "png")
    assert names == {"a.jpg": "a.jpg-2.png", "a.png": "a.png", "a.jpg.png": "a.jpg.png"}


def test_a_folder_of_the_name_is_no_file():
    assert corrected_names(["a.jpg", "a.png/b.jpg"], "png")["a.jpg"] == "a.jpg.png"
    assert corrected_names(["a.jpg", "a.png", "a.jpg.png/b.jpg"], "png")["a.jpg"] == "a.jpg-2.png"


NAME = st.text("aA.é\udcff", min_size=1, max_size=4).filter(lambda t: t.strip(".") and not t.endswith("."))
FILE = st.tuples(NAME, st.sampled_from(["", ".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".webp", ".png.jpg"])).map("".join)
PATHS = st.lists(st.tuples(st.sampled_from(["", "d/", "D/e/"]), FILE).map("".join), unique=True, max_size=12)


@given(PATHS, st.sampled_from(sorted(FORMATS)))
def test_no_result_takes_the_place_of_another_whatever_is_copied_and_whatever_corrected(paths, format_name):
    names = corrected_names(paths, format_name)
    assert set(names) == set(paths)
    for path, name in names.items():
        others = {other for p in paths if p != path for other in (p, names[p])}
        assert name == path or name.casefold() not in {other.casefold() for other in others}
        assert PurePosixPath(name).parent == PurePosixPath(path).parent
        assert PurePosixPath(name).suffix.lower() in FORMATS[format_name]
    assert corrected_names(list(reversed(paths)), format_name) == names
