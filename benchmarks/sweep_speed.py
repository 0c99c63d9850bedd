"""A sweep's speed against the bare model: views a second of a study over nine qualities, and of forwards alone.

    python benchmarks/sweep_speed.py MODEL_FOLDER DATA [--items 96] [--rounds 3] [--batch 32] [--profile]

MODEL_FOLDER and DATA are what `--model hf:MODEL_FOLDER --data DATA` take. Both kinds of round alternate in one process
with the same batch size and the same number of torch threads; the forwards run on ready tensors. A view is one picture
in one cell: each item of the study has ten (clean and nine qualities) to read, compress, decode, resize, normalise, ask
the model about, score and store. The study's time runs from the first item to the last row; loading the model is stated
apart. `--profile` adds where one view's time goes, step by step on one thread.
"""

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch
from transformers import AutoModelForImageClassification

from unlossy.codecs import decode_source, parse_codecs
from unlossy.core.pixels import as_rgb
from unlossy.datasets import open_dataset
from unlossy.runs.plan import StudyPlan
from unlossy.study import run_study
from unlossy.tasks.registry import load_task

CODECS = "jpeg:10..90:10"


def bare_views_per_s(network, batch, n_batches):
    with torch.inference_mode():
        start = time.perf_counter()
        for _ in range(n_batches):
            network(batch)
        return n_batches * len(batch) / (time.perf_counter() - start)


def study_views_per_s(plan, n_views):
    started = []
    with tempfile.TemporaryDirectory() as folder:
        run_study(plan, Path(folder, "run"), on_progress=lambda *_: started.append(time.perf_counter()))
    return n_views / (started[-1] - started[0])


def profile(model, data):
    """Milliseconds per view of each step, one thread, median over pictures and qualities."""
    task = load_task("classification", model)
    times = {name: [] for name in ("encode", "decode", "resize", "normalise")}
    for item in islice(open_dataset(data), 16):
        image = as_rgb(decode_source(item.blob.all()))
        for codec in parse_codecs(CODECS):
            marks = [time.perf_counter()]
            encoded = codec.encode(image)
            marks.append(time.perf_counter())
            decoded = codec.decode(encoded)
            marks.append(time.perf_counter())
            resized = task.resize(decoded)
            marks.append(time.perf_counter())
            task.normalise(resized)
            marks.append(time.perf_counter())
            for name, start, end in zip(times, marks, marks[1:], strict=False):
                times[name].append(1000 * (end - start))
    for name, values in times.items():
        print(f"  {name:10s} {statistics.median(values):6.2f} ms a view")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--items", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    spec = f"hf:{chosen.model}"
    plan = StudyPlan(model=spec, data=chosen.data, codecs=(CODECS,), limit=chosen.items, batch=chosen.batch)
    start = time.perf_counter()
    load_task("classification", spec)
    print(f"loading the model: {time.perf_counter() - start:.1f} s; torch threads: {torch.get_num_threads()}")
    network = AutoModelForImageClassification.from_pretrained(chosen.model, local_files_only=True).eval()
    batch = torch.rand(chosen.batch, 3, 224, 224)
    n_views = 10 * chosen.items
    bare_views_per_s(network, batch, 5)
    ratios = []
    for number in range(1, chosen.rounds + 1):
        before = bare_views_per_s(network, batch, n_views // chosen.batch)
        sweep = study_views_per_s(plan, n_views)
        after = bare_views_per_s(network, batch, n_views // chosen.batch)
        ratios.append(2 * sweep / (before + after))
        print(
            f"round {number}: bare {before:.1f} and {after:.1f}, study {sweep:.1f} views/s, ratio {ratios[-1]:.3f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.3f}")
    if chosen.profile:
        print(f"  {'forward':10s} {1000 / bare_views_per_s(network, batch, 20):6.2f} ms a view, all threads")
        profile(spec, chosen.data)


if __name__ == "__main__":
    main()
