"""PDFs made by pikepdf, and the developers' collection of difficult ones."""

import base64
import subprocess
import sys
import types
import zlib
from pathlib import Path

import fsspec
import pikepdf
import pytest

from tests.datasets.pictures import picture
from tests.datasets.wrappings import image_stream
from unlossy.core.errors import MissingDependency, NoImageError, ReadError, RefusedError, TooLargeError
from unlossy.datasets import open_dataset
from unlossy.datasets.containers import pdf as pdf_module

JPEG = picture(0)
DATA = Path(__file__).parents[3] / "shared" / "data" / "robust" / "pdf"


def opened(path):
    dataset = open_dataset(str(path), labelled=False)
    return dataset, list(dataset)


def saved(where, document, **options):
    document.save(where / "x.pdf", **options)
    return where / "x.pdf"


def with_images(**streams):
    """A document of one page with these XObjects, and the document's streams by name."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(100, 100))
    made = {name: make(document) for name, make in streams.items()}
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(**made))
    return document


def stacked(data, *filters):
    def make(document):
        stream = image_stream(document, JPEG)
        stream.write(data, filter=pikepdf.Array([pikepdf.Name(name) for name in filters]))
        return stream

    return make


def test_jpegs_behind_other_filters_are_the_jpegs(tmp_path):
    document = with_images(
        Plain=lambda document: image_stream(document, JPEG),
        Flate=stacked(zlib.compress(JPEG), "/FlateDecode", "/DCTDecode"),
        Twice=stacked(zlib.compress(zlib.compress(JPEG)), "/FlateDecode", "/FlateDecode", "/DCTDecode"),
        Ascii=stacked(base64.a85encode(JPEG) + b"~>", "/ASCII85Decode", "/DCTDecode"),
        Both=stacked(base64.a85encode(zlib.compress(JPEG)) + b"~>", "/ASCII85Decode", "/FlateDecode", "/DCTDecode"),
    )
    _, items = opened(saved(tmp_path, document))
    assert [item.key for item in items] == [f"x.pdf#p1/{name}" for name in ("Ascii", "Both", "Flate", "Plain", "Twice")]
    assert {item.blob.all() for item in items} == {JPEG}
    assert items[0].groups == {"folder": ""}


def test_jpeg_2000_comes_as_it_is(tmp_path):
    data = picture(3, "JPEG2000")
    _, (item,) = opened(saved(tmp_path, with_images(Im1=lambda document: image_stream(document, data))))
    assert item.blob.all() == data


def test_a_shared_image_is_one_item_and_forms_are_looked_into(tmp_path):
    document = pikepdf.new()
    shared, own = image_stream(document, JPEG), image_stream(document, picture(5))
    shared = document.make_indirect(shared)
    form = pikepdf.Stream(document, b"", Subtype=pikepdf.Name.Form)
    form = document.make_indirect(form)
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Own=own, Loop=form))
    for xobjects in ({"A": shared}, {"B": shared, "F": form}):
        page = document.add_blank_page(page_size=(9, 9))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(**xobjects))
    hidden = document.make_indirect(image_stream(document, picture(6)))
    document.Root.Kept = hidden
    _, items = opened(saved(tmp_path, document))
    assert [item.key for item in items[:2]] == ["x.pdf#p1/A", "x.pdf#p2/F/Own"]
    assert items[2].key.startswith("x.pdf#obj")
    assert [item.blob.all() for item in items] == [JPEG, picture(5), picture(6)]


def test_pixels_without_a_file_and_inline_images_are_counted(tmp_path):
    document = with_images(
        Pixels=lambda document: pikepdf.Stream(document, bytes(12), Subtype=pikepdf.Name.Image, Width=2, Height=2),
        Jpeg=lambda document: image_stream(document, JPEG),
    )
    inline = b"q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x7f EI Q "
    document.pages[0].Contents = document.make_stream(inline + b"(BIDDING) Tj " + inline)
    dataset, items = opened(saved(tmp_path, document, compress_streams=True))
    assert [item.key for item in items] == ["x.pdf#p1/Jpeg"]
    assert dataset.others == {"/FlateDecode image in a PDF": 1, "inline image in a PDF": 2}


def test_a_pdf_of_text_says_that_it_holds_no_image(tmp_path):
    document = pikepdf.new()
    document.add_blank_page()
    _, (item,) = opened(saved(tmp_path, document))
    assert (item.key, item.container) == ("x.pdf", "pdf")
    with pytest.raises(NoImageError):
        item.blob.all()


def test_encryption_with_a_password_is_one_row_and_without_one_no_obstacle(tmp_path):
    document = with_images(Im1=lambda document: image_stream(document, JPEG))
    path = saved(tmp_path, document, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    _, (item,) = opened(path)
    with pytest.raises(ReadError, match="encrypted and does not open without a password"):
        item.blob.all()
    _, (item,) = opened(saved(tmp_path, document, encryption=pikepdf.Encryption(user="", owner="secret")))
    assert item.blob.all() == JPEG


@pytest.mark.parametrize("filters", [["/FlateDecode"], ["/FlateDecode", "/FlateDecode"]])
def test_an_image_stream_that_is_a_bomb_is_stopped(tmp_path, monkeypatch, filters):
    monkeypatch.setattr(pdf_module, "MAX_STREAM_BYTES", 1 << 20)
    data = bytes(3 << 20)
    for _ in filters:
        data = zlib.compress(data)
    _, (item,) = opened(saved(tmp_path, with_images(Im1=stacked(data, *filters, "/DCTDecode"))))
    with pytest.raises(TooLargeError, match="as a decompression bomb does"):
        item.blob.all()


def test_a_filter_that_is_not_undone_and_a_damaged_stream_say_so(tmp_path):
    document = with_images(
        Lzw=stacked(b"x", "/LZWDecode", "/DCTDecode"), Torn=stacked(b"no zlib", "/FlateDecode", "/DCTDecode")
    )
    _, (lzw, torn) = opened(saved(tmp_path, document))
    with pytest.raises(RefusedError, match="/LZWDecode"):
        lzw.blob.all()
    with pytest.raises(ReadError, match="stream is damaged"):
        torn.blob.all()


BOMB = """
import resource, sys, zlib
from unlossy.datasets import open_dataset

packer = zlib.compressobj(9)
head = b"2 0 << /Type /Pages /Kids [3 0 R] /Count 1 >>"
packed = packer.compress(head) + b"".join(packer.compress(b" " * 1048576) for _ in range(200)) + packer.flush()
body, at = b"%PDF-1.5\\n", {}
def add(number, data):
    global body
    at[number] = len(body)
    body += b"%d 0 obj\\n" % number + data + b"\\nendobj\\n"
def stream(entries, data):
    return b"<< %s /Length %d >>\\nstream\\n" % (entries, len(data)) + data + b"\\nendstream"
add(1, b"<< /Type /Catalog /Pages 2 0 R >>")
add(3, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>")
add(4, stream(b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", packed))
start = len(body)
rows = [(0, 0, 65535), (1, at[1], 0), (2, 4, 0), (1, at[3], 0), (1, at[4], 0), (1, start, 0)]
table = b"".join(bytes([a]) + b.to_bytes(4, "big") + c.to_bytes(2, "big") for a, b, c in rows)
add(5, stream(b"/Type /XRef /Size 6 /W [1 4 2] /Root 1 0 R", table))
open(sys.argv[1], "wb").write(body + b"startxref\\n%d\\n%%%%EOF\\n" % start)
(item,) = open_dataset(sys.argv[1])
try:
    item.blob.all()
except Exception as error:
    # not getrusage: its peak holds the parent's memory, from before the new program began
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(type(error).__name__, peak)
"""


def test_objects_that_unpack_to_200_mb_are_not_unpacked(tmp_path):
    """A process of its own: qpdf unpacks them, outside of what Python can measure."""
    told = subprocess.run([sys.executable, "-c", BOMB, tmp_path / "x.pdf"], capture_output=True, text=True, check=True)
    name, peak_kib = told.stdout.split()
    assert (name, int(peak_kib) < 250 << 10) == ("ReadError", True)


def test_without_pikepdf_a_pdf_is_refused_and_in_a_folder_it_is_a_row(tmp_path, monkeypatch):
    path = saved(tmp_path, with_images(Im1=lambda document: image_stream(document, JPEG)))
    (tmp_path / "a.jpg").write_bytes(JPEG)
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    with pytest.raises(MissingDependency, match=r"unlossy\[pdf\]"):
        open_dataset(str(path))
    _, (jpeg, broken) = opened(tmp_path)
    assert (jpeg.key, broken.key) == ("a.jpg", "x.pdf")
    with pytest.raises(ReadError, match=r"unlossy\[pdf\]"):
        broken.blob.all()
    older = types.ModuleType("pikepdf")
    older.settings = types.ModuleType("settings")
    monkeypatch.setitem(sys.modules, "pikepdf", older)
    with pytest.raises(ReadError, match=r"pikepdf 10\.17 or later"):
        opened(path)[1][0].blob.all()


def test_garbage_is_one_row(tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.4\n" + bytes(range(256)) * 20)
    _, (item,) = opened(tmp_path / "x.pdf")
    with pytest.raises(ReadError, match=r"^the PDF is damaged: unable to find trailer dictionary"):
        item.blob.all()
    system = fsspec.filesystem("memory")
    system.pipe_file("/pdf/x.pdf", (tmp_path / "x.pdf").read_bytes())
    with pytest.raises(ReadError, match=r"^the PDF is damaged: unable to find trailer dictionary"):
        next(iter(open_dataset("memory://pdf/x.pdf"))).blob.all()


@pytest.mark.data
def test_every_difficult_pdf_of_the_collection_gives_its_images():
    if not DATA.is_dir():
        pytest.skip(f"the developers' data set is not there: {DATA}")
    expected = [line.split(",") for line in (DATA / "index.csv").read_text().splitlines()[1:]]
    _, items = opened(DATA)
    for file, _, n_dct, encrypted, *_ in expected:
        own = [item for item in items if item.key.partition("#")[0] == file]
        if file in ("pr6531_1.pdf", "secHandler.pdf"):
            with pytest.raises((ReadError, NoImageError)):
                own[0].blob.all()
        else:
            assert encrypted == "0"
            assert len(own) >= min(1, int(n_dct))
            assert all(item.blob.all().startswith((b"\xff\xd8", b"1234")) for item in own)
