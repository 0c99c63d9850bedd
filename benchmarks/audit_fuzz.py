"""Coverage-guided fuzzing of everything in an audit that reads foreign bytes, by atheris (libFuzzer).

    python benchmarks/audit_fuzz.py [TARGET...] [--seconds N] [--corpus DIR]      default: each target, 300 s
    header       `examine`, plain and deep, and the fast scan, new to the header and knowing it: the rows must be equal
    container    tar, zip, Parquet and PDF (the first byte says which), and `examine` over the images inside
    pixels       the decoders and the measures of --pixels
    page         what `unlossy inspect` prints

Seeds are the files of ../shared/data/robust, where they are, and a few that are made here. A find is any exception that
is no ItemError, a row of the fast scan that differs, or an execution of more than a second of CPU; each is printed once
(by the place it rose from) and its bytes are kept. Exit 1 with finds. Needs `pip install atheris` (CPython 3.11 to
3.14, Linux); native code (libjpeg, Arrow, qpdf) is run but not instrumented.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROBUST = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "robust"
TARGETS = ("header", "container", "pixels", "page")
SLOW_S = 1.0
MAX_MEMBERS = 20
MAX_LEN = 2**16


def seeds(target: str) -> Iterator[bytes]:
    """What a target starts from."""
    if target != "container":
        yield from images()
        yield from (path.read_bytes() for path in sorted((ROBUST / "jpeg").glob("*")))
        return
    few = [data for data in images() if len(data) < 3000][:4]
    for number, write in enumerate((tarred, zipped, parquet, pdf)):
        yield bytes((number,)) + write(few)
    yield from (b"\x03" + path.read_bytes() for path in sorted((ROBUST / "pdf").glob("*.pdf")))


def images() -> Iterator[bytes]:
    from PIL import Image, features

    picture = Image.effect_noise((40, 24), 60).convert("RGB")
    ways = [("JPEG", {"quality": q, "subsampling": s, "progressive": p}) for q, s, p in ((30, 0, 0), (90, 2, 1))]
    ways += [("PNG", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {}), ("WEBP", {"lossless": True})]
    ways += [("JPEG2000", {})] if features.check("jpg_2000") else []
    ways += [("AVIF", {})] if features.check("avif") else []
    for kind, options in ways:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        yield buffer.getvalue()


def tarred(files: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, data in enumerate(files):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(files: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"{number}.jpg", data)
    return buffer.getvalue()


def parquet(files: list[bytes]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": [{"bytes": data, "path": f"{n}.jpg"} for n, data in enumerate(files)]}), sink)
    return sink.getvalue().to_pybytes()


def pdf(files: list[bytes]) -> bytes:
    import pikepdf

    buffer = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page()
        image = pikepdf.Stream(made, files[0], Subtype=pikepdf.Name.Image, Filter=pikepdf.Name.DCTDecode)
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im1=image))
        made.save(buffer)
    return buffer.getvalue()


class Finds:
    """What went wrong, once for each place."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.places, self.runs, self.slowest_s = folder, Counter(), 0, 0.0

    def run(self, check: Callable[[bytes], None], data: bytes) -> None:
        """One execution; nothing rises from it."""
        begin = time.process_time()  # a busy machine is no find
        try:
            check(data)
        except Exception as error:  # noqa: BLE001 (every one of them is a find)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self.note(f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {error}"[:300], data)
        elapsed_s = time.process_time() - begin
        self.slowest_s = max(self.slowest_s, elapsed_s)
        self.runs += 1
        if elapsed_s > SLOW_S:
            self.note(f"slow: {elapsed_s:.1f} s", data)

    def note(self, what: str, data: bytes) -> None:
        place = what.split(": ")[0]
        self.places[place] += 1
        if self.places[place] == 1:
            (self.folder / f"{len(self.places):02}.bin").write_bytes(data)
            with (self.folder / "finds.txt").open("a") as file:
                file.write(f"{len(self.places):02}.bin {what}\n")


def header_check() -> Callable[[bytes], None]:
    from unlossy.audit.batches import Columns
    from unlossy.audit.quick import QuickScan
    from unlossy.audit.scan import ScanOptions, examine
    from unlossy.core.blobs import FileBlob
    from unlossy.core.types import Item

    deep, plain = ScanOptions(deep=True), ScanOptions()
    shared = Path("/dev/shm")
    file = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None)) / "x.jpg"
    item = Item("x.jpg", FileBlob(file))
    quick = QuickScan(plain)  # what it learns of one input it uses for the next

    def check(data: bytes) -> None:
        file.write_bytes(data)
        careful = Columns(1)
        careful.keys, careful.groups, careful.containers = [item.key], [item.groups], [None]
        careful.fill(0, examine(item, plain).row)
        expected = careful.as_batch(pixels=False, sha256=False)
        both = next(quick.batches([item, item]))  # the second is remembered from the first
        for found in (both.slice(0, 1), both.slice(1, 1)):
            wrong = [name for name in expected.schema.names if found[name] != expected[name]]
            assert not wrong, f"fast scan differs in {wrong}"
        examine(item, deep)

    return check


def container_check() -> Callable[[bytes], None]:
    from unlossy.audit.scan import examine
    from unlossy.core.blobs import BytesBlob
    from unlossy.datasets.containers import registry
    from unlossy.datasets.containers.opened import Place, open_container

    def check(data: bytes) -> None:
        if not data:
            return
        container = registry.CONTAINERS[data[0] % len(registry.CONTAINERS)]
        place = Place("x", "x/", {})
        for number, item in enumerate(open_container(container, BytesBlob(data[1:]), place, Counter())):
            examine(item)
            if number == MAX_MEMBERS:
                break

    return check


def pixels_check() -> Callable[[bytes], None]:
    import warnings

    from unlossy.audit.pixels import measure
    from unlossy.core.blobs import BytesBlob
    from unlossy.core.errors import ItemError

    warnings.simplefilter("ignore")

    def check(data: bytes) -> None:
        try:
            measure(BytesBlob(data), None)
        except ItemError:
            return

    return check


def page_check() -> Callable[[bytes], None]:
    """Inspecting, as the shell does it, without a process of its own."""
    from contextlib import redirect_stderr, redirect_stdout

    from unlossy.cli.main import run

    file = Path(tempfile.mkdtemp()) / "x.jpg"

    def check(data: bytes) -> None:
        file.write_bytes(data)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = run(["inspect", str(file)])
        assert code in (0, 3), f"exit code {code}"

    return check


CHECKS = {"header": header_check, "container": container_check, "pixels": pixels_check, "page": page_check}


def fuzz(target: str, finds: Path, libfuzzer: list[str]) -> None:
    """The child process: never comes back."""
    import atheris

    with atheris.instrument_imports(include=["unlossy.jpeg", "unlossy.audit", "unlossy.datasets", "unlossy.cli"]):
        check = CHECKS[target]()
    found = Finds(finds)
    check(next(seeds(target)))  # imports of its own take their time, once

    def one(data: bytes) -> None:
        found.run(check, data)
        if found.runs % 200 == 0:
            state = {"runs": found.runs, "slowest_s": found.slowest_s}
            (finds / "state.json").write_text(json.dumps(state))

    atheris.Setup([sys.argv[0], *libfuzzer], one)
    atheris.Fuzz()


def measured(target: str, seconds: int, corpus: Path) -> int:
    """Fuzzes one target in a process of its own and prints what came of it; gives the number of finds."""
    finds, given, grown = (corpus / target / name for name in ("finds", "seeds", "grown"))
    for folder in (finds, given, grown):
        folder.mkdir(parents=True, exist_ok=True)
    (finds / "finds.txt").unlink(missing_ok=True)
    for number, data in enumerate(seeds(target)):
        (given / f"{number:04}").write_bytes(data)
    limits = [f"-max_total_time={seconds}", f"-max_len={MAX_LEN}", "-rss_limit_mb=2048", "-timeout=1200"]
    command = [sys.executable, __file__, "--child", target, str(finds), *limits, "-print_final_stats=1"]
    done = subprocess.run(
        [*command, str(grown), str(given)], capture_output=True, text=True, errors="replace", check=False, cwd=finds
    )
    (corpus / target / "log.txt").write_text(done.stderr)
    executions = re.findall(r"number_of_executed_units: (\d+)", done.stderr)
    state = json.loads((finds / "state.json").read_text()) if (finds / "state.json").exists() else {"slowest_s": 0.0}
    edges = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)", done.stderr) or [("?", "?")]
    peak_mb = (re.findall(r"peak_rss_mb:\s*(\d+)", done.stderr) or ["?"])[-1]
    print(
        f"{target:10} {executions[-1] if executions else '?'} executions in {seconds} s, "
        f"{edges[0][0]} -> {edges[-1][0]} edges, corpus {edges[-1][1]}, "
        f"slowest {state['slowest_s']:.2f} s, peak {peak_mb} MB",
        flush=True,
    )
    lines = (finds / "finds.txt").read_text().splitlines() if (finds / "finds.txt").exists() else []
    if not executions:  # killed: memory, a hang, or a crash of native code
        lines.append(f"the process died with {done.returncode}: {done.stderr[-500:]}")
    for line in lines:
        print(f"    FIND {line}")
    return len(lines)


def main() -> int:
    """The exit code: 1 with finds."""
    if sys.argv[1:2] == ["--child"]:
        fuzz(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], default=TARGETS)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "unlossy-fuzz")
    options = parser.parse_args()
    try:
        import atheris  # noqa: F401 (is it there?)
    except ModuleNotFoundError:
        print("this needs atheris: pip install atheris", file=sys.stderr)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    corpus = options.corpus.resolve()
    return 1 if sum(measured(target, options.seconds, corpus) for target in options.targets or TARGETS) else 0


if __name__ == "__main__":
    sys.exit(main())
