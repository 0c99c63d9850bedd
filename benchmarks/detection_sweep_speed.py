"""A detection sweep's speed against the bare detector: views a second of a study, and of its ONNX forwards alone.

    python benchmarks/detection_sweep_speed.py MODEL.onnx DATA [--items 48] [--rounds 3] [--batch 32] [--profile]

MODEL.onnx and DATA are what `--task detection --model onnx:MODEL.onnx --data DATA` take. Both kinds of round alternate
in one process with the same number of threads; the forwards run on one ready picture in the batch that the graph takes.
A view is one picture in one cell: each item of the study has ten (clean and nine qualities) to read, compress, decode,
resize, normalise, ask the model about, decode its boxes, score and store. The study's time runs from the first item to
the last row; loading the model and working the metrics out are stated apart. `--profile` adds where one view's time
goes, step by step on one thread.
"""

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np

from unlossy.codecs import decode_source, parse_codecs
from unlossy.core.pixels import as_rgb
from unlossy.datasets import open_dataset
from unlossy.runs.plan import StudyPlan
from unlossy.study import run_study
from unlossy.tasks.registry import load_task

CODECS = "jpeg:10..90:10"


def pictures_of(data, n):
    return [as_rgb(decode_source(item.blob.all())) for item in islice(open_dataset(data, targets="objects"), n)]


def bare_views_per_s(session, feed, n_views):
    size = len(next(iter(feed.values())))
    start = time.perf_counter()
    for _ in range(-(-n_views // size)):
        session.run(None, feed)
    return n_views / (time.perf_counter() - start)


def study_views_per_s(plan, n_views):
    """Views a second, and the seconds that the summary takes after the last row."""
    marks = []
    with tempfile.TemporaryDirectory() as folder:
        run_study(plan, Path(folder, "run"), on_progress=lambda *_: marks.append(time.perf_counter()))
        return n_views / (marks[-1] - marks[0]), time.perf_counter() - marks[-1]


def bare(path):
    """The graph's session as ONNX Runtime opens it by itself, and a feed of noise."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    node = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in node.shape]
    return session, {node.name: np.random.default_rng(0).normal(size=shape).astype(np.float32)}


def profile(task, data, session, feed):
    """Milliseconds per view of each step, one after the other, median over pictures and qualities."""
    times = {name: [] for name in ("encode", "decode", "resize", "normalise", "predict", "score")}
    for item in islice(open_dataset(data, targets="objects"), 8):
        image = as_rgb(decode_source(item.blob.all()))
        for codec in parse_codecs(CODECS):
            steps = [time.perf_counter()]
            encoded = codec.encode(image)
            steps.append(time.perf_counter())
            decoded = codec.decode(encoded)
            steps.append(time.perf_counter())
            resized = task.resize(decoded)
            steps.append(time.perf_counter())
            task.normalise(resized)
            steps.append(time.perf_counter())
            prepared = task.prepare(decoded)
            start = time.perf_counter()
            (answer,) = task.predict([prepared])
            steps.append(steps[-1] + time.perf_counter() - start)
            start = time.perf_counter()
            task.yardstick.score(answer, item.target)
            steps.append(steps[-1] + time.perf_counter() - start)
            for name, before, after in zip(times, steps, steps[1:], strict=False):
                times[name].append(1000 * (after - before))
    print(f"  {'forward':10s} {1000 / bare_views_per_s(session, feed, 40):6.2f} ms a view, all threads")
    for name, values in times.items():
        print(f"  {name:10s} {statistics.median(values):6.2f} ms a view")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    spec = f"onnx:{chosen.model}"
    plan = StudyPlan(
        model=spec, data=chosen.data, codecs=(CODECS,), limit=chosen.items, batch=chosen.batch, task="detection"
    )
    start = time.perf_counter()
    task = load_task("detection", spec)
    print(f"loading the model: {time.perf_counter() - start:.1f} s")
    session, feed = bare(chosen.model)
    n_views = 10 * len(pictures_of(chosen.data, chosen.items))
    bare_views_per_s(session, feed, 10)
    ratios = []
    for number in range(1, chosen.rounds + 1):
        before = bare_views_per_s(session, feed, n_views // 4)
        sweep, summary_s = study_views_per_s(plan, n_views)
        after = bare_views_per_s(session, feed, n_views // 4)
        ratios.append(2 * sweep / (before + after))
        print(
            f"round {number}: bare {before:.1f} and {after:.1f}, study {sweep:.1f} views/s, ratio {ratios[-1]:.3f}; "
            f"metrics with intervals {summary_s:.1f} s",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.3f}")
    if chosen.profile:
        profile(task, chosen.data, session, feed)


if __name__ == "__main__":
    main()
