"""A task-targeted training step beside its parts run bare: corrector and task network, forward and backward.

    python benchmarks/ttac_step.py [--model SPEC] [--task T] [--size small] [--batch 16] [--rounds 7]

Needs ../shared/data for the default model and pictures. Rounds are interleaved; medians are printed, and the share of
the training's time spent waiting for the workers that cut and compress views (from its own log).
"""

import argparse
import csv
import statistics
import tempfile
import time
from pathlib import Path

import torch

from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.correctors.nets.sizes import load_network
from unlossy.correctors.weights_place import shipped_weights
from unlossy.tasks.models.differentiable import open_differentiable
from unlossy.train.data import Pairs, batches
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings, State
from unlossy.train.task_losses import Watched, units_of
from unlossy.train.ttac import MIX, TtacSettings, _pictures, aimed_loss, size_of, train_ttac
from unlossy.train.views import view

DATA = Path(__file__).parents[2] / "shared" / "data"


def timed(action):
    begun_s = time.perf_counter()
    action()
    return time.perf_counter() - begun_s


def bare_step(network, task, batch):
    """Forward and backward of both networks, the corrector in bfloat16, and nothing else.

    The clean answer is a forward pass, too.
    """
    clean, degraded = batch.clean.float() / 255.0, batch.degraded.float() / 255.0
    ycc = ycc_from_rgb(degraded).contiguous(memory_format=torch.channels_last)
    shown = clean.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        wanted = task.outputs(shown)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = network(ycc, batch.tables, batch.known, batch.sampling)
    picture = rgb_from_ycc(answer.detach().float()).requires_grad_()
    found = task.outputs(picture)
    sum((found[name] - wanted[name]).abs().mean() for name in task.heads).backward()
    answer.backward(torch.ones_like(answer))
    network.zero_grad(set_to_none=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", default=f"hf:{DATA / 'models' / 'mobilenet_v2_imagenet'}")
    options.add_argument("--task", default="classification")
    options.add_argument("--images", type=Path, default=DATA / "imagenet_extra")
    options.add_argument("--size", default="small")
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    task = open_differentiable(chosen.model, chosen.task, threads=chosen.threads)
    torch.set_num_threads(chosen.threads)
    settings = TtacSettings(
        (chosen.images,),
        shipped_weights(chosen.size),
        LoopSettings(Schedule(20), evaluate_every=1000, log_every=10),
        chosen.batch,
        limit=100,
    )
    network = load_network(settings.initial).train().to(memory_format=torch.channels_last)
    images = list(_pictures(settings).values())
    (batch,) = batches(Pairs(images, size_of(task), 0, view, MIX), 0, 1, chosen.batch, workers=0)
    state = State(network, settings.loop)
    watched = Watched(task, units=units_of(task, batch.clean.float() / 255.0))

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            state.advance([lambda: aimed_loss(network, watched, batch, settings)])

    step(), bare_step(network, task, batch)
    pairs = [(timed(lambda: bare_step(network, task, batch)), timed(step)) for _ in range(chosen.rounds)]
    ratios = [whole / bare for bare, whole in pairs]
    print(f"bare {statistics.median(p[0] for p in pairs):.3f} s, step {statistics.median(p[1] for p in pairs):.3f} s")
    print(f"step / bare: median {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")
    with tempfile.TemporaryDirectory() as folder:
        train_ttac(settings, [task], Path(folder))
        rows = list(csv.DictReader((Path(folder) / "log.csv").open()))
    print("waiting for views: " + ", ".join(f"{float(row['data_wait_share']):.1%}" for row in rows), "of the time")


if __name__ == "__main__":
    main()
