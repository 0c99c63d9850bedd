import io
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.jpeg.streams import YCC_420, dqt, encoded, header, segment, sof, sos, stream
from unlossy.jpeg.encoder import NAMES, UNKNOWN, EncoderGuess, head_bytes, identify, signature_of
from unlossy.jpeg.encoders.signature import Signature
from unlossy.jpeg.huffman import STANDARD_SEGMENTS
from unlossy.jpeg.tables import CHROMINANCE, CHROMINANCE_9E, LUMINANCE, MAX_ENTRY_16_BIT, ijg_table

JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
ADOBE = segment(0xEE, b"Adobe\0\x64\x80\0\0\0\0\x01")
DUCKY = segment(0xEC, b"Ducky\0\x01\0\x04\0\0\0\x3c\0\0")
IRB = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\0" + b"8BIM\x04\x06\0\0\0\0\0\x07\0\x06\0\0\0\x01\x01\0"
# tables in file order, as pyjpegli 0.3.2 (at qualities 90 and 60) and ajpegli 1.0 (at distance 1.37) wrote them
JPEGLI_Q90_420 = (
    "0003040406040606060606070606060707070707070708070807080708080908090908090809080a0a0a0809090a0a0a0a090a0c0c0c0a0c0b0b"
    "0c0d0c0d0b0b0901030303050405050505050604050406050505050505060505040505060706050606050607060606040606060606070706060705"
    "060507070707070a0b0a0a0a52"
)
JPEGLI_Q60_420 = (
    "000a0909110c11111111111a1314131a1b1b17171b1b1e191b1b1b191e1e201f21211f201e201e2324231e20212327272321242c2b2c242b2828"
    "2b302b302a2a22010907070f0b0f0e0f0f0e150e110e1514130f0f13141711121112111719161415151416191715141114151718151919151819"
    "13161319181919182528252424ff"
)
JPEGLI_D137_420 = (
    "00040505080608080808080a0809080a0a0a0a0a0a0a0b090b0a0b090b0b0c0b0c0c0b0c0b0c0b0e0d0e0b0c0c0e0e0e0e0c0d1010100d100f0f10"
    "12101210100d010306060908090a09090a0a0b0c0b0a0e0f11110f0e110f1010100f111c201a10101a201c15651911196515191d0e0e1d1928101d"
    "1028392b2b390e0e0e0e0e6e02030404070607060707060806070608070707070707090607060706090908080808080809080808060808080909"
    "090909090907080709090909090e0f0e0d0d71"
)
GUETZLI_Q90 = "00090909090b0b0b" + "0b" * 57
FFMPEG_Q5 = (
    "00080a0a0b0a0b0d0d0d0d0d0d100f101010101010101010101012121215151512121210101212141415151717171515151517171919191e1e1c1c"
    "2323242b2b33"
)


def guess(data: bytes) -> EncoderGuess:
    return identify(header(data).signature)


def ycc_luma_only(code: int = 0xC0, first: int = 1) -> bytes:
    return sof(16, 16, [(first, 1, 1, 0), (first + 1, 1, 1, 0), (first + 2, 1, 1, 0)], code)


def dht(*places: int) -> bytes:
    """One segment with tables of one made-up code each."""
    return segment(0xC4, b"".join(bytes((place, 1)) + bytes(15) + b"\x05" for place in places))


def made(*parts: bytes, scan: bytes = sos(1, 2, 3)) -> bytes:
    return b"\xff\xd8" + b"".join(parts) + scan + b"\x12\x34\xff\xd9"


def annex_k(luma: int, chroma: int) -> bytes:
    return dqt(0, ijg_table(LUMINANCE, luma)) + dqt(1, ijg_table(CHROMINANCE, chroma))


MERGED = segment(0xDB, annex_k(75, 75)[4:69] + annex_k(75, 75)[73:])


@pytest.mark.parametrize("quality", [1, 2, 10, 49, 75, 90, 100])
@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": "4:2:0"},
        {"subsampling": "4:4:4"},
        {"progressive": True},
        {"optimize": True},
        {"mode": "L"},
        {"keep_rgb": True},
        {"mode": "CMYK"},
        {"restart_marker_blocks": 1},
        {"comment": "holiday", "icc_profile": b"profile", "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"},
    ],
    ids=str,
)
def test_pillows_files_are_libjpegs_with_their_quality(quality, options):
    got = guess(encoded(quality=quality, **options))
    assert (got.name, got.setting) == ("libjpeg", f"quality {quality}")
    assert got.confidence > 0.9


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-progressive"],
        ["-arithmetic"],
        ["-grayscale"],
        ["-rgb"],
        ["-sample", "4x1"],
        ["-restart", "1"],
        ["-baseline"],
    ],
    ids=str,
)
@pytest.mark.parametrize(("asked", "told"), [("75", "75"), ("75,20", "75,20"), ("2", "2"), ("100", "100")])
def test_cjpegs_files_are_libjpegs(options, asked, told):
    if shutil.which("cjpeg") is None:
        pytest.skip("wants the program cjpeg (libjpeg-turbo-progs)")
    pixels = b"P6 24 16 255 " + np.random.default_rng(3).integers(0, 255, 24 * 16 * 3, dtype=np.uint8).tobytes()
    done = subprocess.run(["cjpeg", "-quality", asked, *options], input=pixels, capture_output=True, check=True)
    got = guess(done.stdout)
    luma_alone = {"-grayscale", "-rgb"} & set(options)
    assert got.text == f"libjpeg (quality {told.split(',')[0] if luma_alone else told})"


@pytest.mark.parametrize(
    ("version", "options", "text"),
    [
        ("6b", {"qt": 75}, "libjpeg (quality 75)"),
        ("9d", {"qt": 60}, "libjpeg (quality 60)"),
        ("9f", {"qt": 60}, "libjpeg (quality 60)"),
        ("turbo210", {"qt": 10}, "libjpeg (quality 10)"),
        ("mozjpeg300", {"qt": 75}, "mozjpeg (quality 75)"),
        ("mozjpeg403", {"qt": 30}, "mozjpeg (quality 30)"),
        ("mozjpeg403", {"qt": 100}, "mozjpeg (quality 100)"),
        ("mozjpeg403", {"qt": 80, "base_quant_tbl_idx": 0}, "mozjpeg (quality 80)"),
        ("mozjpeg403", {"qt": 80, "base_quant_tbl_idx": 1}, "mozjpeg (quality 80..82, quant-table 1)"),
        *(
            ("mozjpeg403", {"qt": 80, "base_quant_tbl_idx": n}, f"mozjpeg (quality 80, quant-table {n})")
            for n in (2, 4, 5)
        ),
        *(
            ("mozjpeg403", {"qt": 80, "base_quant_tbl_idx": n}, f"mozjpeg (quality 80, quant-table {n})")
            for n in (6, 7, 8)
        ),
    ],
)
def test_libjpeg_and_mozjpeg_by_jpeglib(version, options, text, tmp_path):
    jpeglib = pytest.importorskip("jpeglib", reason="wants jpeglib (the extra dev)")
    pixels = np.random.default_rng(4).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jpeglib.version.set(version)
        jpeglib.from_spatial(pixels).write_spatial(str(tmp_path / "x.jpg"), **options)
    assert guess((tmp_path / "x.jpg").read_bytes()).text == text


def test_libjpeg_since_9e_is_libjpeg_too():
    tables = dqt(0, ijg_table(LUMINANCE, 60)) + dqt(1, ijg_table(CHROMINANCE_9E, 60))
    assert (
        guess(made(JFIF, tables, sof(16, 16, YCC_420), dht(0), dht(16), dht(1), dht(17))).text == "libjpeg (quality 60)"
    )


def test_wide_tables_have_a_quality_too():
    wide = [dqt(0, ijg_table(LUMINANCE, 5, MAX_ENTRY_16_BIT), wide=True), dqt(1, ijg_table(CHROMINANCE, 90))]
    got = guess(made(JFIF, *wide, sof(16, 16, YCC_420, 0xC1), dht(0), dht(16), dht(1), dht(17)))
    assert got.text == "libjpeg (quality 5,90)"


def test_mozjpeg_with_annex_ks_tables_by_its_layout():
    progressive = sof(16, 16, YCC_420, 0xC2)
    unshifted, shifted = (segment(0xDA, b"\x03\x01\0\x02\x10\x03\x10\0\0" + last) for last in (b"\0", b"\x01"))
    assert guess(made(JFIF, MERGED, progressive, dht(0, 1), scan=unshifted)).text == "mozjpeg (quality 75)"
    assert guess(made(JFIF, MERGED, progressive, dht(0, 1), scan=shifted)) == UNKNOWN
    assert guess(made(JFIF, MERGED, progressive, dht(0, 1, 16), scan=unshifted)) == UNKNOWN
    libjpegs = (JFIF, annex_k(75, 75), progressive, dht(0), dht(1))
    assert guess(made(*libjpegs, scan=shifted)).text == "libjpeg (quality 75)"


def test_without_jfif_it_is_less_sure():
    four = (dht(0), dht(16), dht(1), dht(17))
    bare = guess(made(annex_k(75, 75), sof(16, 16, YCC_420), *four))
    assert (bare.name, bare.confidence) == ("libjpeg", 0.8)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((JFIF, annex_k(75, 75), sof(16, 16, YCC_420), dht(0, 16, 1, 17)), id="all Huffman tables in one"),
        pytest.param((JFIF, MERGED, sof(16, 16, YCC_420), dht(0), dht(16), dht(1), dht(17)), id="all tables in one"),
        pytest.param(
            (JFIF, MERGED, sof(16, 16, YCC_420, 0xC2), dht(0, 16, 1, 17)), id="progressive, but AC tables too"
        ),
        pytest.param((JFIF, dht(0), dht(16), dht(1), dht(17), annex_k(75, 75), sof(16, 16, YCC_420)), id="tables late"),
        pytest.param(
            (JFIF, annex_k(75, 75), sof(16, 16, YCC_420), dht(16), dht(0), dht(1), dht(17)), id="AC before DC"
        ),
        pytest.param((ADOBE, JFIF, annex_k(75, 75), sof(16, 16, YCC_420), dht(0), dht(16)), id="JFIF not in front"),
        pytest.param((JFIF, dqt(0, ijg_table(CHROMINANCE, 75)), ycc_luma_only(), dht(0), dht(16)), id="chroma as luma"),
        pytest.param((JFIF, dqt(0, np.full((8, 8), 9)), ycc_luma_only(), dht(0), dht(16)), id="flat"),
        pytest.param(
            (JFIF, dqt(0, ijg_table(LUMINANCE, 75)), ycc_luma_only(0xC0, 0), dht(0), dht(16)), id="ids from 0"
        ),
        pytest.param((JFIF, annex_k(75, 75), sof(16, 16, YCC_420)), id="no Huffman tables"),
        pytest.param((dqt(0, ijg_table(LUMINANCE, 75)),), id="no frame"),
    ],
)
def test_what_libjpeg_does_not_write_is_unknown(parts):
    assert identify(signature_of(walked(made(*parts)))) == UNKNOWN  # not read_header: some are no pictures


def walked(data: bytes) -> list[tuple[int, bytes]]:
    """Codes and payloads, by a walk of the test's own."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return [*found, (0xDA, data[at + 4 : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")])]


@pytest.mark.parametrize("preset", ["web_low", "web_high", "low", "high", "maximum"])
def test_photoshops_tables_do_not_make_a_file_photoshops(preset):
    # Pillow's presets hold Photoshop's tables, but the file is in libjpeg's order and has nothing of Adobe's
    assert guess(encoded(quality=preset)) == UNKNOWN


def test_random_tables_of_pillow_are_unknown():
    rng = np.random.default_rng(6)
    for _ in range(20):
        assert guess(encoded(qtables=rng.integers(1, 255, (2, 64)).tolist())) == UNKNOWN


@pytest.mark.parametrize(
    ("tables", "frame", "text"),
    [
        (JPEGLI_Q90_420, YCC_420, "jpegli (quality 90)"),
        (JPEGLI_Q60_420, YCC_420, "jpegli (quality 60)"),
        (JPEGLI_D137_420, [(1, 2, 2, 0), (2, 1, 1, 1), (3, 1, 1, 2)], "jpegli (distance 1.37)"),
    ],
)
def test_jpegli_by_its_tables(tables, frame, text):
    data = made(segment(0xDB, bytes.fromhex(tables)), sof(16, 16, frame), dht(0, 16, 1, 17))
    assert guess(data).text == text


@pytest.mark.parametrize("entry", [1, 3, 40, 63, 90, 128])
def test_one_entry_off_is_no_jpegli(entry):
    tables = bytearray.fromhex(JPEGLI_Q90_420)
    tables[entry] += 2
    assert guess(made(segment(0xDB, bytes(tables)), sof(16, 16, YCC_420), dht(0, 16, 1, 17))) == UNKNOWN


def test_jpeglis_tables_under_another_sampling_are_no_jpegli():
    frame = [(1, 1, 1, 0), (2, 1, 1, 1), (3, 1, 1, 1)]  # the chroma table is that of 4:2:0
    assert guess(made(segment(0xDB, bytes.fromhex(JPEGLI_Q90_420)), sof(16, 16, frame), dht(0, 16, 1, 17))) == UNKNOWN


@pytest.mark.parametrize("entry", [1, 255])
def test_flat_extremes_are_nobodys(entry):
    tables = bytes((0,)) + bytes((entry,)) * 64 + bytes((1,)) + bytes((entry,)) * 64
    assert guess(made(segment(0xDB, tables), sof(16, 16, YCC_420), dht(0, 16, 1, 17))) == UNKNOWN


def test_guetzli_by_its_frame_and_tables():
    def file(tables: str, code: int = 0xC1) -> bytes:
        return made(JFIF, segment(0xDB, bytes.fromhex(tables)), ycc_luma_only(code, 0), dht(0, 16))

    assert guess(file(GUETZLI_Q90)).text == "guetzli-like"
    assert guess(file(GUETZLI_Q90, 0xC0)) == UNKNOWN
    assert guess(file("00" + "40" * 64)) == UNKNOWN  # coarser than guetzli goes


def test_ffmpeg_by_its_comment_and_order():
    comment, tables = segment(0xFE, b"Lavc62.28.102\0"), segment(0xDB, bytes.fromhex(FFMPEG_Q5))
    frame, huffman = ycc_luma_only(), dht(0, 1, 16, 17)
    assert guess(made(comment, tables, huffman, frame)).text == "ffmpeg (libavcodec 62.28.102)"
    assert guess(made(JFIF, comment, annex_k(75, 75), sof(16, 16, YCC_420), dht(0), dht(16))).name == "libjpeg"


def photoshop(*application: bytes, order: tuple[bytes, ...] | None = None) -> bytes:
    tables = segment(0xDB, bytes((0,)) + bytes(range(2, 66)) + bytes((1,)) + bytes(range(3, 67)))
    return made(*application, *(order or (tables, sof(16, 16, YCC_420), segment(0xDD, b"\0\x04"), dht(0, 16, 1, 17))))


def test_photoshop_by_its_own_quality_resource():
    assert guess(photoshop(JFIF, segment(0xED, IRB), ADOBE)).text == "Photoshop (quality 10)"
    assert guess(photoshop(DUCKY, segment(0xED, IRB), ADOBE)).text == "Save for Web (quality 60)"


def test_a_photoshop_file_saved_by_others_is_not_photoshops():
    irb = segment(0xED, IRB)
    assert guess(photoshop(JFIF, irb)) == UNKNOWN  # no Adobe segment
    assert guess(photoshop(JFIF, segment(0xED, IRB[:30]), ADOBE)) == UNKNOWN  # no quality in it: Lightroom writes such
    libjpegs = (annex_k(80, 80), sof(16, 16, YCC_420), dht(0), dht(16), dht(1), dht(17))
    assert guess(photoshop(JFIF, irb, order=libjpegs)).text == "libjpeg (quality 80)"


def exif_signature(tables: bytes, make: str, software: str | None, *front: bytes) -> EncoderGuess:
    data = made(*front, segment(0xE1, b"Exif\0\0II*\0"), tables, sof(16, 16, YCC_420), dht(0, 16, 1, 17))
    return identify(signature_of(walked(data), make, "EOS 5D", software))


OWN = segment(0xDB, bytes((0,)) + bytes(range(2, 66)) + bytes((1,)) + bytes(range(3, 67)))


@pytest.mark.parametrize(
    ("make", "software", "name"),
    [
        ("Canon", None, "Canon"),
        ("NIKON CORPORATION", "Ver.1.10 ", "Nikon"),
        ("Apple", "11.2.6", "Apple"),
        ("SAMSUNG", "SAMSUNG build 7", "Samsung"),
        ("Canon", "Adobe Photoshop CS5", "unknown"),
        ("Canon", "GIMP 2.10", "unknown"),
        ("Canon", "paint.net 4.0", "unknown"),
        ("Acme", None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_cameras_by_make_unless_the_software_is_an_editor(make, software, name):
    got = exif_signature(OWN, make, software)
    assert (got.name, got.confidence) == (name, 0.8 if name != "unknown" else 0.0)


def test_a_camera_behind_jfif_has_been_saved_again():
    assert exif_signature(OWN, "Canon", None, JFIF) == UNKNOWN


def test_annex_k_in_libjpegs_order_is_libjpegs_whatever_the_make():
    exif, frame = segment(0xE1, b"Exif\0\0II*\0"), sof(16, 16, YCC_420)
    shrunk = made(exif, annex_k(80, 80), frame, dht(0), dht(16), dht(1), dht(17))
    cameras = made(exif, MERGED, frame, dht(0, 16, 1, 17))
    got = identify(signature_of(walked(cameras), "Canon"))
    assert identify(signature_of(walked(shrunk), "Canon")).text == "libjpeg (quality 80)"
    assert (got.name, got.confidence) == ("Canon", 0.6)


def test_a_camera_file_saved_by_pillow_is_libjpegs():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS 5D"
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", exif=exif, quality=70)
    assert guess(buffer.getvalue()).text == "libjpeg (quality 70)"
    assert header(buffer.getvalue()).signature.make == "Canon"


def test_sizes_pixels_and_huffman_codes_do_not_change_the_signature():
    signatures = {header(encoded(size=size, progressive=True)).signature for size in ((24, 17), (80, 90), (8, 8))}
    assert len(signatures) == 1


def test_heads_of_segments_are_enough():
    data = encoded(comment="x" * 500, icc_profile=b"p" * 900)
    whole = walked(data)
    cut = [(code, payload[: head_bytes(code)]) for code, payload in whole]
    assert sum(len(payload) for _, payload in cut) < sum(len(payload) for _, payload in whole) - 1000
    assert signature_of(cut) == signature_of(whole)


def test_standard_huffman_tables_are_those_that_libjpeg_writes():
    payloads = [payload for code, payload in walked(encoded()) if code == 0xC4]
    assert len(payloads) == 4
    assert set(payloads) <= STANDARD_SEGMENTS
    assert b"".join(payloads) in STANDARD_SEGMENTS


small = st.binary(max_size=40)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "codes": small,
            "skeleton": st.sampled_from(
                [b"\xdb\xc0\xc4\xda", b"\xdb\xc1\xc4\xda", b"\xdb\xdb\xc0\xc4\xc4\xda", b"\xc3\xc4\xda"]
            ),
            "tables": st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=130)), max_size=3).map(tuple),
            "tables_a_segment": st.sampled_from([b"", b"\x01", b"\x02", b"\x01\x01"]),
            "frame": st.sampled_from(
                [b"", b"\x08", b"\x08\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01", b"\x08\x01\x01\x11\x00"]
            )
            | small,
            "huffman": st.sampled_from(["none", "standard", "optimised"]),
            "huffman_places": st.lists(small, max_size=4).map(tuple),
            "scan": small,
            "applications": st.lists(
                st.sampled_from(
                    [b"\xe0JFIF", b"\xe1Exif", b"\xeeAdobe", b"\xecDucky\x00\x01\x00\x04", b"\xeeAdobe\x00\x64"]
                ),
                max_size=3,
            ).map(tuple),
            "comment": small,
            "photoshop": st.none() | st.integers(-40_000, 40_000),
            "make": st.sampled_from(["", "Canon", "x"]),
            "software": st.text(max_size=8),
        }
    )
)
def test_no_signature_raises_and_each_guess_is_of_the_list(fields):
    got = identify(Signature(**fields))
    assert got.name in NAMES
    assert (got.confidence == 0.0) == (got.name == "unknown")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0xDB, 0xC0, 0xC4, 0xDA, 0xE0, 0xED, 0xEE, 0xFE]), small), max_size=6))
def test_no_segments_raise(segments):
    assert identify(signature_of(segments)).name in NAMES


def test_the_stream_of_other_tests_is_nobodys():
    assert guess(stream(dqt(0, LUMINANCE), sof(16, 16, [(1, 1, 1, 0)]))) == UNKNOWN
