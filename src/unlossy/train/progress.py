"""What a training run tells of itself: rows in CSV files, and where its time goes."""

import csv
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Log:
    """A CSV file that a resumed run goes on with: rows after the step it resumes from, and torn ones, are dropped."""

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        if path.exists():
            with path.open(newline="", encoding="utf-8", errors="replace") as file:
                header, *rows = list(csv.reader(file)) or [[]]
            whole = [row for row in rows if len(row) == len(header) and row[0].isdecimal()]
            partial = path.with_name(path.name + ".part")
            with partial.open("w", newline="", encoding="utf-8") as file:
                if header:
                    csv.writer(file).writerows([header, *(row for row in whole if int(row[0]) <= first_step)])
            partial.replace(path)

    def write(self, row: Mapping[str, int | float]) -> None:
        """Nothing; one more row, the first of a file under its header."""
        new = not self.path.exists() or self.path.stat().st_size == 0
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(
                {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
            )


class Clock:
    """Times of the stretch and of the lap since the last log row, and the lap's mean loss."""

    def __init__(self, minutes: float | None, checkpoint_every_s: float) -> None:
        self.minutes, self.checkpoint_every_s, self.started_s = minutes, checkpoint_every_s, time.monotonic()
        self.saved_s = self.lap_s = self.started_s
        self.waited_s, self.losses = 0.0, list[Tensor]()

    def out_of_time(self) -> bool:
        """Whether the stretch's minutes are over."""
        return self.minutes is not None and time.monotonic() - self.started_s > 60.0 * self.minutes

    def checkpoint_due(self) -> bool:
        """Whether it is time to save; asking starts the next wait."""
        due = time.monotonic() - self.saved_s > self.checkpoint_every_s
        self.saved_s = time.monotonic() if due else self.saved_s
        return due

    def waited(self, supply: Callable[[], T]) -> T:
        """What `supply` gives; the time it takes counts as waiting for data."""
        begun_s = time.monotonic()
        value = supply()
        self.waited_s += time.monotonic() - begun_s
        return value

    def count(self, loss: Tensor) -> None:
        """Nothing; the loss enters the lap's mean (without waiting for a GPU to finish it)."""
        self.losses.append(loss)

    def lap(self) -> dict[str, float]:
        """Mean loss, steps per second, share of time spent waiting for data, seconds of this stretch."""
        now_s = time.monotonic()
        loss = float(torch.stack(self.losses).mean())
        lap_s = now_s - self.lap_s
        row = {
            "loss": loss,
            "steps_per_s": len(self.losses) / lap_s,
            "data_wait_share": self.waited_s / lap_s,
            "elapsed_s": now_s - self.started_s,
        }
        self.lap_s, self.waited_s = time.monotonic(), 0.0
        self.losses.clear()
        return row
