"""The same images in any wrapping: writers for the tests, one per kind of source.

    path = WRAPPINGS["tar.gz"]({"cat/1.jpg": jpeg, "dog/2.jpg": other}, tmp_path)
    items = list(open_dataset(str(path)))        # in the order of `files`, where that is the order of the names

Each writer takes names (relative, with `/`) to bytes and a folder to write in, and gives the path to open. A PDF takes
JPEGs and JPEG 2000 only; its keys say pages ("images.pdf#p1/Im1"), one image on each, in the order given.
"""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Files = Mapping[str, bytes]
Writer = Callable[[Files, Path], Path]
NAME = "images"


def read_folder(root: Path, suffixes: tuple[str, ...] = (".jpg",)) -> dict[str, bytes]:
    """The files of a folder with one of the suffixes, by relative name, sorted."""
    paths = sorted(path for path in root.rglob("*") if path.suffix in suffixes)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def write_folder(files: Files, where: Path) -> Path:
    root = where / NAME
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def tar_writer(compression: str) -> Writer:
    def write(files: Files, where: Path) -> Path:
        path = where / (f"{NAME}.tar.{compression}" if compression else f"{NAME}.tar")
        with tarfile.open(path, f"w:{compression}") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


def zip_writer(method: int) -> Writer:
    def write(files: Files, where: Path) -> Path:
        path = where / f"{NAME}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path

    return write


def write_parquet(files: Files, where: Path, rows_per_group: int = 7) -> Path:
    """A Hugging Face table: a column `image` of structs {bytes, path}."""
    structs = [{"bytes": data, "path": name} for name, data in files.items()]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path = where / f"{NAME}.parquet"
    pq.write_table(pa.table({"image": pa.array(structs, kind)}), path, row_group_size=rows_per_group)
    return path


def write_pdf(files: Files, where: Path) -> Path:
    """One page per image: its bytes untouched as the XObject `/Im1`."""
    import pikepdf

    path = where / f"{NAME}.pdf"
    with pikepdf.new() as pdf:
        for data in files.values():
            page = pdf.add_blank_page(page_size=(100, 100))
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im1=image_stream(pdf, data)))
            page.Contents = pdf.make_stream(b"q 100 0 0 100 0 0 cm /Im1 Do Q")
        pdf.save(path)
    return path


def image_stream(pdf, data: bytes):
    """An image XObject over the bytes of a JPEG (DCTDecode) or JPEG 2000 (JPXDecode) file."""
    import pikepdf

    with Image.open(io.BytesIO(data)) as image:
        (width, height), mode, kind = image.size, image.mode, image.format
    space = {"L": "/DeviceGray", "CMYK": "/DeviceCMYK"}.get(mode, "/DeviceRGB")
    return pikepdf.Stream(
        pdf,
        data,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        BitsPerComponent=8,
        ColorSpace=pikepdf.Name(space),
        Filter=pikepdf.Name.JPXDecode if kind == "JPEG2000" else pikepdf.Name.DCTDecode,
    )


WRAPPINGS: dict[str, Writer] = {
    "folder": write_folder,
    "tar": tar_writer(""),
    "tar.gz": tar_writer("gz"),
    "tar.bz2": tar_writer("bz2"),
    "tar.xz": tar_writer("xz"),
    "zip stored": zip_writer(zipfile.ZIP_STORED),
    "zip": zip_writer(zipfile.ZIP_DEFLATED),
    "parquet": write_parquet,
    "pdf": write_pdf,
}
