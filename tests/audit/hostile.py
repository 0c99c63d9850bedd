"""A folder of hostile files: names, claims, bombs, and things that are no files. Small on the disk, large in claims."""

import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

from tests.jpeg.streams import encoded

JPEG = encoded(size=(40, 30), quality=50)
MIB = 2**20


def write_all(root: Path) -> Path:
    """The folder `root`, filled."""
    root.mkdir()
    write_files(root)
    write_links_and_specials(root)
    write_zips(root)
    write_tars(root)
    for name in ("no.zip", "no.tar", "no.parquet", "no.pdf", "none.tar"):
        (root / name).write_bytes({"no.pdf": b"%PDF-1.4\nhello", "none.tar": b""}.get(name, b"hello" * 300))
    return root


def write_files(root: Path) -> None:
    (root / "good.jpg").write_bytes(JPEG)
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.jpg")).write_bytes(JPEG)
    (root / "line\nbreak\x1b[31m.jpg").write_bytes(JPEG)
    (root / "empty.jpg").write_bytes(b"")
    (root / "folder.jpg").mkdir()
    (root / "folder.jpg" / "inner.jpg").write_bytes(JPEG)
    claims = bytearray(JPEG)
    size_at = claims.index(b"\xff\xc0") + 5
    claims[size_at : size_at + 4] = b"\xff" * 4
    (root / "claims.jpg").write_bytes(claims)
    (root / "endless.jpg").write_bytes(b"\xff\xd8" + b"\xff\xfe\0\2" * 30_000)
    with (root / "zeros.jpg").open("wb") as file:  # sparse
        file.write(b"\xff\xd8")
        file.truncate(200 * MIB)
    with (root / "segments.jpg").open("wb") as file:
        file.write(b"\xff\xd8")
        for _ in range(3000):
            file.write(b"\xff\xe1\xff\xff")
            file.seek(65_533, os.SEEK_CUR)
        file.truncate()


def write_links_and_specials(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    os.mkfifo(root / "pipe")
    here = Path.cwd()
    os.chdir(root)  # a socket's name may have 108 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.jpg")
    os.chdir(here)
    (root.parent / "outside.jpg").write_bytes(JPEG)
    targets = {"device.jpg": "/dev/zero", "round.jpg": "round2.jpg", "round2.jpg": "round.jpg", "up": ".."}
    for name, target in (targets | {"gone.jpg": "nowhere.jpg", "out.jpg": "../outside.jpg"}).items():
        (root / name).symlink_to(target)


def deflated_zeros(mebibytes: int) -> bytes:
    """A raw deflate stream of zeros, made without compressing them all: a flushed block repeats."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def zip_of(packed: bytes, claimed_bytes: int) -> bytes:
    """A zip with the member x.jpg, which claims a size."""
    facts = (20, 0, 8, 0, 33, 0, len(packed), claimed_bytes, 5)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", *facts, 0) + b"x.jpg" + packed
    central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, *facts, 0, 0, 0, 0, 0, 0) + b"x.jpg"
    return local + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def write_zips(root: Path) -> None:
    (root / "bomb.zip").write_bytes(zip_of(deflated_zeros(900), 900 * MIB))
    (root / "lies.zip").write_bytes(zip_of(deflated_zeros(400), 1000))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.jpg", JPEG)
    with zipfile.ZipFile(root / "nested.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("../up.jpg", JPEG)


def write_tars(root: Path) -> None:
    with tarfile.open(root / "odd.tar", "w") as archive:
        for name in ("../up.jpg", "/etc/absolute.jpg", "same.jpg", "same.jpg", "inner.tar", "caf\udce9.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(JPEG)
            archive.addfile(info, io.BytesIO(JPEG))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (root / "cut.tar").write_bytes((root / "odd.tar").read_bytes()[:2000])
    info = tarfile.TarInfo("x.jpg")
    info.size = 2048 * MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(info.tobuf(tarfile.GNU_FORMAT)) + packer.flush(zlib.Z_FULL_FLUSH)
    (root / "bomb.tar.gz").write_bytes(b"\x1f\x8b\x08" + bytes(6) + b"\xff" + head + deflated_zeros(2049) + bytes(8))


def write_pdf_bomb(path: Path) -> None:
    """Two pages: an image whose JPEG is wrapped in 1.5 GiB of zeros, and a good one."""
    import pikepdf

    with pikepdf.new() as made:
        bomb = (b"\x78\x9c" + deflated_zeros(1500) + bytes(4), [pikepdf.Name.FlateDecode, pikepdf.Name.DCTDecode])
        for data, filters in (bomb, (JPEG, [pikepdf.Name.DCTDecode])):
            image = pikepdf.Stream(made, data, Subtype=pikepdf.Name.Image, Width=40, Height=30)
            image.Type, image.Filter = pikepdf.Name.XObject, pikepdf.Array(filters)
            page = made.add_blank_page()
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im1=image))
        made.save(path, compress_streams=False)
